// swift-tools-version:6.2
import PackageDescription

/// Every target is built in Swift 6 language mode with warnings as errors.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "tribute",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "tribute", targets: ["tribute"])],
    traits: [
        .trait(name: "PostgreSQL", description: "The engine for several nodes; needs libpq."),
        .default(enabledTraits: ["PostgreSQL"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .target(name: "Attribution", swiftSettings: strict),
        .target(
            name: "Integrations",
            dependencies: [
                "Attribution", "Wire", .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        .target(name: "Wire", dependencies: ["Attribution"], swiftSettings: strict),
        .target(name: "Ledger", dependencies: ["Attribution"], swiftSettings: strict),
        .target(
            name: "SQLiteEngine",
            dependencies: [
                "CSQLiteConfig", "Ledger", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: strict),
        .systemLibrary(
            name: "CSQLiteConfig", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .target(
            name: "PostgresEngine", dependencies: ["Ledger", "CLibpq"], swiftSettings: strict),
        .systemLibrary(name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .target(
            name: "Visitors",
            dependencies: ["CPCRE2", "CMaxMindDB", .product(name: "Yams", package: "Yams")],
            swiftSettings: strict),
        .target(name: "QRCodes", dependencies: ["CQRencode", "CPNG"], swiftSettings: strict),
        .target(name: "Gzip", dependencies: ["CZlib"], swiftSettings: strict),
        .systemLibrary(
            name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
        .systemLibrary(
            name: "CMaxMindDB", pkgConfig: "libmaxminddb",
            providers: [.apt(["libmaxminddb-dev"])]),
        .systemLibrary(
            name: "CQRencode", pkgConfig: "libqrencode", providers: [.apt(["libqrencode-dev"])]),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "Server",
            dependencies: [
                "Attribution", "Wire", "Integrations", "Ledger", "Visitors", "QRCodes", "Gzip",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .target(
            name: "Simulation",
            dependencies: [
                "Attribution", "Integrations", "Ledger", "SQLiteEngine",
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: strict),
        .target(
            name: "Stages",
            dependencies: [
                "Attribution", "Integrations", "Ledger", "Server",
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "tribute-fuzz",
            dependencies: [
                "Attribution", "Wire", "Integrations", "Server",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
            ],
            path: "Sources/Fuzz", swiftSettings: strict),
        .executableTarget(
            name: "tribute",
            dependencies: [
                "Attribution", "Wire", "Integrations", "Ledger", "SQLiteEngine", "Server",
                "Simulation", "Stages", "Visitors",
                .target(name: "PostgresEngine", condition: .when(traits: ["PostgreSQL"])),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "AttributionTests", dependencies: ["Attribution", "Integrations"],
            swiftSettings: strict),
        .testTarget(
            name: "WireTests", dependencies: ["Wire", "Attribution", "Integrations"],
            swiftSettings: strict),
        .testTarget(
            name: "LedgerTests",
            dependencies: [
                "Ledger", "SQLiteEngine", "Integrations", "Attribution", "Simulation",
                .target(name: "PostgresEngine", condition: .when(traits: ["PostgreSQL"])),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "VisitorsTests", dependencies: ["Visitors", "QRCodes", "Gzip"],
            swiftSettings: strict),
        .testTarget(
            name: "ServerTests", dependencies: ["Server", "Attribution", "Ledger"],
            swiftSettings: strict),
        .testTarget(name: "TidyTests", swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
