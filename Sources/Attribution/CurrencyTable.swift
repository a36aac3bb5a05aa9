extension Currency {
    /// The active codes of ISO 4217 (list one, 2024) and the digits of their minor units.
    /// Precious metals, testing codes and the SDR have none and count as 0.
    static let digitsByCode: [String: Int] = {
        var table: [String: Int] = [:]
        for (digits, codes) in digitGroups {
            for code in codes.split(separator: " ") { table[String(code)] = digits }
        }
        return table
    }()

    private static let digitGroups: [(Int, String)] = [
        (
            0,
            """
            bif clp djf gnf isk jpy kmf krw pyg rwf ugx uyi vnd vuv xaf xof xpf \
            xag xau xba xbb xbc xbd xdr xpd xpt xsu xts xua xxx
            """
        ),
        (
            2,
            """
            aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob bov brl bsd btn \
            bwp byn bzd cad cdf che chf chw cny cop cou crc cuc cup cve czk dkk dop dzd egp ern \
            etb eur fjd fkp gbp gel ghs gip gmd gtq gyd hkd hnl htg huf idr ils inr irr jmd kes \
            kgs khr kpw kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mru mur mvr mwk \
            mxn mxv myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar \
            sbd scr sdg sek sgd shp sle sos srd ssp stn svc syp szl thb tjs tmt top try ttd twd \
            tzs uah usd usn uyu uzs ved ves wst xad xcd xcg yer zar zmw zwg hrk sll zwl
            """
        ),
        (3, "bhd iqd jod kwd lyd omr tnd"),
        (4, "clf uyw"),
    ]
}
