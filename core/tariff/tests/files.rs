//! The tariff files that ship, and what is said about files that are wrong.

#![expect(clippy::disallowed_methods, reason = "a test reads files that core must not")]

use corrente_tariff::{Tariff, overlaps};
use expect_test::{Expect, expect};

fn shipped() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tariffs");
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("the folder of tariffs exists")
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_str()?.to_owned();
            (path.extension()? == "toml")
                .then(|| (name, std::fs::read_to_string(&path).expect("a file")))
        })
        .collect();
    files.sort();
    files
}

#[test]
fn every_tariff_that_ships_is_accepted_in_both_forms() {
    let files = shipped();
    assert!(files.len() >= 4);
    for (name, text) in files {
        let tariff = Tariff::parse(&text).unwrap_or_else(|e| panic!("{name}:\n{e}"));
        let json = serde_json::to_string_pretty(tariff.file()).expect("a tariff is JSON too");
        let again = Tariff::parse(&json).unwrap_or_else(|e| panic!("{name} as JSON:\n{e}"));
        assert_eq!(again.digest(), tariff.digest(), "{name}");
        let toml = tariff.to_toml().unwrap_or_else(|e| panic!("{name} as TOML: {e}"));
        let again = Tariff::parse(&toml).unwrap_or_else(|e| panic!("{name} as TOML:\n{e}\n{toml}"));
        assert_eq!(again.digest(), tariff.digest(), "{name}");
    }
}

const HEAD: &str =
    "code = \"t\"\nversion = \"1\"\nname = \"T\"\ncurrency = \"EUR\"\nvalid_from = 2026-01-01\n";

fn check(rest: &str, expected: Expect) {
    let error = Tariff::parse(&format!("{HEAD}{rest}")).expect_err("should be refused");
    expected.assert_eq(&error.to_string());
}

#[test]
fn a_wrong_key_names_the_nearest_one() {
    check(
        "[[energy]]\ncode = \"e\"\nlabel = \"E\"\nprise = 0.2\n",
        expect!["line 9: `prise`: unknown field `prise`; did you mean `price`?"],
    );
}

#[test]
fn a_minute_that_no_rule_covers_is_named() {
    check(
        "[[energy]]\ncode = \"e\"\nlabel = \"E\"\nprices = { day = 0.3, night = 0.2 }\n\
         [tou]\nperiods = [\"day\", \"night\"]\n\
         [[tou.rule]]\nperiod = \"day\"\nfrom = \"06:00\"\nuntil = \"22:00\"\n\
         [[tou.rule]]\nperiod = \"night\"\nfrom = \"22:30\"\nuntil = \"06:00\"\n",
        expect![
            "line 10: `tou`: no rule covers 22:00 to 22:30 on Mondays, Tuesdays, Wednesdays, Thursdays, Fridays, Saturdays, Sundays, holidays; add a rule for it, or name the period of the rest with `rest`"
        ],
    );
}

#[test]
fn a_minute_that_two_rules_cover_is_named() {
    check(
        "[[energy]]\ncode = \"e\"\nlabel = \"E\"\nprices = { day = 0.3, night = 0.2 }\n\
         [tou]\nperiods = [\"day\", \"night\"]\nrest = \"night\"\n\
         [[tou.rule]]\nperiod = \"day\"\ndays = [\"mon\", \"tue\"]\nfrom = \"06:00\"\nuntil = \"22:00\"\n\
         [[tou.rule]]\nperiod = \"night\"\ndays = [\"tue\"]\nfrom = \"21:00\"\nuntil = \"23:00\"\n",
        expect![
            "line 18: `tou.rule[1]`: covers 21:00 on Tuesdays, which rule[0] covers already; change `from`, `until` or `days` so that each minute has one rule"
        ],
    );
}

#[test]
fn a_missing_holiday_year_is_named() {
    check(
        "valid_until = 2028-01-01\n\
         [[energy]]\ncode = \"e\"\nlabel = \"E\"\nprices = { day = 0.3, night = 0.2 }\n\
         [tou]\nperiods = [\"day\", \"night\"]\nrest = \"night\"\n\
         [[tou.rule]]\nperiod = \"day\"\ndays = [\"business\"]\nfrom = \"06:00\"\nuntil = \"22:00\"\n\
         [[holidays]]\nyear = 2026\ndates = [2026-12-25]\n",
        expect![
            "line 19: `holidays`: there is no list for 2027, but the periods of the day need it; add `[[holidays]]` with `year = 2027` and its `dates` (an empty list is one)"
        ],
    );
}

#[test]
fn an_unknown_unit_and_an_unknown_tax_are_named() {
    check(
        "[[energy]]\ncode = \"e\"\nlabel = \"E\"\nprice = 0.2\nunit = \"GWh\"\n",
        expect!["line 10: `unit`: unknown variant `GWh`; did you mean `MWh`?"],
    );
    check(
        "[[energy]]\ncode = \"e\"\nlabel = \"E\"\nprice = 0.2\ntaxes = [\"vat\"]\n",
        expect![
            "line 10: `energy[0].taxes`: `vat` is no tax of this file; use the code of a `[[tax]]`: there is none yet"
        ],
    );
}

#[test]
fn blocks_out_of_order_and_rates_in_per_cent_are_named() {
    check(
        "[[tax]]\ncode = \"vat\"\nlabel = \"VAT\"\nmethod = \"exclusive\"\nrate = 21\n\
         [[energy]]\ncode = \"e\"\nlabel = \"E\"\n\
         blocks = [{ up_to_kwh = 100, price = 0.1 }, { up_to_kwh = 50, price = 0.2 }]\n",
        expect![[r"
            line 10: `tax[0].rate`: 21 is no rate from 0 to below 1; write 20.5 % as 0.205
            line 14: `energy[0].blocks`: has an end after the last block; leave `up_to_…` out of the last block"]],
    );
}

#[test]
fn a_price_with_too_many_digits_must_stand_in_quotes() {
    check(
        "[[energy]]\ncode = \"e\"\nlabel = \"E\"\nprice = 0.12345678901234567\n",
        expect![
            "line 9: `price`: `0.12345678901234566` has more digits than a bare number keeps: put it in quotes; mend this line"
        ],
    );
    let quoted =
        format!("{HEAD}[[energy]]\ncode = \"e\"\nlabel = \"E\"\nprice = \"0.12345678901234567\"\n");
    assert!(Tariff::parse(&quoted).is_ok());
}

#[test]
fn a_dated_price_must_begin_with_the_version() {
    check(
        "[[energy]]\ncode = \"e\"\nlabel = \"E\"\nprice = [{ from = 2026-02-01, value = 0.2 }]\n",
        expect![
            "line 9: `energy[0].price`: has no value on 2026-01-01, the first day of this version; let its first step begin on that day or earlier"
        ],
    );
}

#[test]
fn a_mistake_in_a_json_file_has_its_line_too() {
    let text = "{\n  \"code\": \"t\", \"version\": \"1\", \"name\": \"T {\\\"\", \"currency\": \"EUR\",\n  \
                \"valid_from\": \"2026-01-01\",\n  \"energy\": [\n    { \"code\": \"a\", \"label\": \"A\", \"price\": 0.2 },\n    \
                { \"code\": \"b\", \"label\": \"B\",\n      \"blocks\": [{ \"up_to_kwh\": 9, \"price\": 1 },\n        \
                { \"up_to_kwh\": 8, \"price\": 1 }, { \"price\": 2 }],\n      \"taxes\": [\"vat\"] }\n  ]\n}\n";
    let error = Tariff::parse(text).expect_err("should be refused").to_string();
    expect![[r"
        line 8: `energy[1].blocks[1]`: ends at 8, which is not after 9; put the blocks in order
        line 9: `energy[1].taxes`: `vat` is no tax of this file; use the code of a `[[tax]]`: there is none yet"]]
    .assert_eq(&error);
}

#[test]
fn blocks_per_kw_must_grow_and_count_the_whole_period() {
    check(
        "[[energy]]\ncode = \"e\"\nlabel = \"E\"\nblocks_per = \"day\"\nblocks_window_minutes = 7\n\
         blocks = [\n{ up_to_kwh = 100, up_to_kwh_per_kw = 200, price = 0.1 },\n\
         { up_to_kwh = 50, price = 0.2 },\n{ price = 0.3 },\n{ up_to_kwh_per_kw = 1, price = 0.3 }]\n",
        expect![[r"
            line 9: `energy[0].blocks_per`: counts each day's energy, but `up_to_kwh_per_kw` the period's demand; leave `blocks_per` out
            line 10: `energy[0].blocks_window_minutes`: 7 minutes do not divide an hour; use 5, 10, 15, 20, 30 or 60
            line 11: `energy[0].blocks`: has an end after the last block; leave `up_to_…` out of the last block
            line 13: `energy[0].blocks[1]`: does not end after the block before; put the blocks in order
            line 14: `energy[0].blocks[2]`: has no end, but is not the last; give `up_to_…`"]],
    );
}

#[test]
fn versions_that_claim_the_same_day_are_named() {
    let version = |version: &str, from: &str, until: &str| {
        let until =
            if until.is_empty() { String::new() } else { format!("valid_until = {until}\n") };
        Tariff::parse(&format!(
            "code = \"t\"\nversion = \"{version}\"\nname = \"T\"\ncurrency = \"EUR\"\nvalid_from = {from}\n{until}\
             [[energy]]\ncode = \"e\"\nlabel = \"E\"\nprice = 0.2\n"
        ))
        .expect("a sound tariff")
    };
    let open = version("1", "2026-01-01", "");
    let ends = version("1", "2026-01-01", "2026-07-01");
    let (june, july) = (version("2", "2026-06-01", ""), version("2", "2026-07-01", ""));
    assert_eq!(overlaps(&[&open, &june]), []);
    assert_eq!(overlaps(&[&july, &ends]), []);
    assert_eq!(overlaps(&[&june, &june]), []);
    let found = overlaps(&[&june, &ends]);
    assert_eq!(
        found[0].to_string(),
        "versions `1` and `2` of `t` both hold on 2026-06-01: let `1` end there with `valid_until`, or let `2` begin later"
    );
    assert_eq!(overlaps(&[&june, &version("3", "2026-06-01", "")]).len(), 1);
}

#[test]
fn a_value_may_be_unknown_from_a_day_on() {
    let tariff = Tariff::parse(&format!(
        "{HEAD}[[energy]]\ncode = \"e\"\nlabel = \"E\"\n\
         price = [{{ from = 2026-01-01, value = 0.2 }}, {{ from = 2026-03-01, value = \"unknown\" }}]\n"
    ))
    .expect("a sound tariff");
    let price = tariff.file().energy[0].price.as_ref().expect("a price");
    let on = |day: &str| price.on(day.parse().expect("a day")).map(|p| p.to_string());
    assert_eq!((on("2026-02-28").as_deref(), on("2026-03-01")), (Some("0.2"), None));
    assert!(corrente_tariff::explain(&tariff).contains("unknown from 2026-03-01"));
}
