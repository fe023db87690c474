//! Texts with every quirk that real files have, made here.

use std::fmt::Write as _;

use corrente_files::{FileError, FileReport, Format, Mapping, inspect, read};

fn report(text: &str) -> FileReport {
    inspect(text.as_bytes(), "made.csv", None).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// Instants and values of the first channel.
fn readings(text: &str, mapping: Option<&Mapping>) -> Vec<(String, i64, u8)> {
    let read = read(text.as_bytes(), "made.csv", mapping).unwrap_or_else(|e| panic!("{e}\n{text}"));
    read.channels[0]
        .readings
        .iter()
        .map(|r| (r.end.to_string(), r.value.wh(), r.quality.0))
        .collect()
}

fn good(rows: &[(&str, i64)]) -> Vec<(String, i64, u8)> {
    rows.iter().map(|(t, wh)| ((*t).to_owned(), *wh, 0)).collect()
}

#[test]
fn london_text_is_rounded_half_to_even_per_half_hour() {
    let text = "LCLid,tstp,energy(kWh/hh)\n\
                H1,2013-03-31 00:30:00, 0.219 \nH1,2013-03-31 01:00:00, 1.0779999 \n\
                H1,2013-03-31 01:30:00, 0.0005 \nH1,2013-03-31 02:30:00, Null \n\
                H1,2013-03-31 03:00:00, 0.1\nH1,2013-03-31 03:00:00, 0.1\nH1,2013-03-31 03:00:00, 0.2\n\
                H1,soon, 0.1\n";
    assert_eq!(
        readings(text, None),
        good(&[
            ("2013-03-31T01:00:00Z", 219),
            ("2013-03-31T01:30:00Z", 1078),
            ("2013-03-31T02:00:00Z", 0),
            ("2013-03-31T03:30:00Z", 100),
        ])
    );
    let report = report(text);
    assert_eq!((report.rows_read, report.duplicates, report.conflicts), (8, 1, 1));
    assert_eq!((report.gaps, report.quarantined), (1, 1));
    assert_eq!(report.channels[0].wh, Some(1397));
    assert_eq!(report.channels[0].gaps[0].missing, Some(2));
    assert_eq!((report.problems[0].line, report.channels[0].conflicts[0].line), (9, 8));
    assert!(report.problems[0].reason.contains("`soon`"), "{:?}", report.problems);
}

#[test]
fn the_report_is_json_for_scripts() {
    let text = "LCLid,tstp,energy(kWh/hh)\nH1,2013-01-01 00:00:00, 0.219 \n";
    expect_test::expect![[r#"
        {
          "file": "made.csv",
          "format": "london",
          "rows_read": 1,
          "rows_ignored": 0,
          "first": "2013-01-01T00:30:00Z",
          "last": "2013-01-01T00:30:00Z",
          "duplicates": 0,
          "conflicts": 0,
          "gaps": 0,
          "quarantined": 0,
          "channels": [
            {
              "meter": "H1",
              "name": "import",
              "kind": "interval",
              "direction": "import",
              "unit": "Wh",
              "check": false,
              "interval_seconds": 1800,
              "readings": 1,
              "first": "2013-01-01T00:30:00Z",
              "last": "2013-01-01T00:30:00Z",
              "wh": 219,
              "sum": 219,
              "estimated": 0,
              "duplicates": 0,
              "conflicts": [],
              "gaps": [],
              "columns": []
            }
          ],
          "problems": [],
          "notes": []
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&report(text)).unwrap());
}

#[test]
fn two_tariff_columns_are_one_channel_and_a_blank_one_is_not_in_force() {
    let text = "datum_tijd,levering_normaal,levering_laag,teruglevering_normaal,teruglevering_laag,buitentemperatuur\n\
                29-10-2023 02:45:00 +0200,,\"0,11\",,\"0,00\",-\n\
                29-10-2023 02:00:00 +0100,,\"0,32\",,\"0,00\",-\n\
                29-10-2023 02:15:00 +0100,\"0,05\",,\"0,00\",,-\n\
                29-10-2023 02:30:00 +0100,,,,,-\n";
    let report = report(text);
    assert_eq!(report.format, Format::SlimmeMeterPortal);
    let import = &report.channels[1];
    assert_eq!((import.name.as_str(), import.wh, import.readings), ("import", Some(480), 3));
    let columns: Vec<_> = import.columns.iter().map(|c| (c.column.as_str(), c.sum)).collect();
    assert_eq!(columns, [("levering_laag", 430), ("levering_normaal", 50)]);
    // The row without any value is no zero: the file ends before it.
    assert_eq!(import.last.unwrap().to_string(), "2023-10-29T01:15:00Z");
}

#[test]
fn registers_on_a_wall_clock_pass_the_repeated_hour() {
    let mut text = "time,Import kWh,Export kWh,L1 max W\n".to_owned();
    for (n, time) in
        ["01:45", "02:00", "02:15", "02:30", "02:45", "02:00", "02:15", "02:30", "02:45", "03:00"]
            .iter()
            .enumerate()
    {
        writeln!(text, "2023-10-29 {time},100.{n:03},0.015,-16").unwrap();
    }
    let report = report(&text);
    assert_eq!((report.duplicates, report.conflicts, report.gaps), (0, 0, 0));
    let import = &report.channels[1];
    assert_eq!((import.readings, import.wh, import.interval_seconds), (10, Some(9), Some(900)));
    // The same hour of spring does not occur: it is read as the one after it, and said.
    let spring = text.replace("2023-10-29", "2023-03-26");
    let report = inspect(spring.as_bytes(), "", None).unwrap();
    assert!(report.notes[0].contains("02:00:00 does not occur"), "{:?}", report.notes);
    assert_eq!(report.channels[1].first.unwrap().to_string(), "2023-03-26T00:45:00Z");
}

#[test]
fn a_preamble_two_groups_of_columns_and_filler() {
    let text = "\u{feff}Name,X,,,,,,\nMeter Number,9,,,,,,\n,,,,,,,\n\
        Start Interval Date/Time,Meter Id,Usage,Units,Interval,Usage,Units,Interval\n\
        03/30/2024 00:00,9,2.1,kwh,60min,0.56,kwh,15min\n03/30/2024 00:15,9,-,-,-,0.51,kwh,15min\n\
        03/30/2024 00:30,9,-,-,-,0.52,kwh,15min\n03/30/2024 00:45,9,-,-,-,0.51,kwh,15min\n";
    let report = report(text);
    assert_eq!(report.format, Format::Ameren);
    let [quarters, hours] = report.channels.as_slice() else { panic!("{report:#?}") };
    assert_eq!((quarters.wh, quarters.readings), (Some(2100), 4));
    assert_eq!((hours.wh, hours.readings, hours.check), (Some(2100), 1, true));
    assert_eq!(quarters.first.unwrap().to_string(), "2024-03-30T05:15:00Z");
}

#[test]
fn a_month_of_wide_rows() {
    let text = "Giorno;00:00-12:00;12:00-00:00\n\"01/09/2024\";\"0,139\";\"1,2\";\n\"02/09/2024\";\"\";\"0,25\"\n\"32/09/2024\";\"1\";\"1\"\n";
    let report = report(text);
    assert_eq!(report.format, Format::EnelMonth);
    assert_eq!((report.channels[0].wh, report.gaps, report.quarantined), (Some(1589), 1, 1));
    assert_eq!(report.first.unwrap().to_string(), "2024-09-01T10:00:00Z");
}

#[test]
fn hours_of_other_commodities_are_ignored() {
    let text = "\"Datum\",\"EAN\",\"Verbruik\",\"Type\",\"Piek\"\n\
        \"2021-12-25T00:00:00+01:00\",\"1\",\"0.742\",\"Elektriciteit\",\"false\"\n\
        \"2021-12-25T00:00:00+01:00\",\"1\",\"0.1\",\"Teruglevering\",\"false\"\n\
        \"2021-12-25T00:00:00+01:00\",\"2\",\"0.5\",\"Gas\",\"0\"\n";
    let report = report(text);
    let found: Vec<_> = report.channels.iter().map(|c| (c.name.as_str(), c.wh)).collect();
    assert_eq!(found, [("export", Some(100)), ("import", Some(742))]);
    assert_eq!((report.rows_read, report.rows_ignored), (3, 1));
}

#[test]
fn field_readings_name_their_reader() {
    let text =
        "serial,date,register,reader\nM-1,2026-11-01,12345.6,Ana\nM-1,2026-11-20 10:30,12400,Rui\n";
    let read = read(text.as_bytes(), "walk.csv", None).unwrap();
    assert_eq!(read.format, Format::FieldReadings);
    let channel = &read.channels[0];
    assert_eq!(channel.meter.as_deref(), Some("M-1"));
    let values: Vec<_> =
        channel.readings.iter().map(|r| (r.end.to_string(), r.value.wh())).collect();
    assert_eq!(
        values,
        [
            ("2026-11-02T03:00:00Z".to_owned(), 12_345_600),
            ("2026-11-20T13:30:00Z".to_owned(), 12_400_000)
        ]
    );
    let who: Vec<&str> = channel.readers.iter().map(|(_, who)| who.as_str()).collect();
    assert_eq!(who, ["Ana", "Rui"]);
    let bahia = Mapping::from_toml("zone = \"America/Manaus\"").unwrap();
    assert_eq!(readings(text, Some(&bahia))[0].0, "2026-11-02T04:00:00Z");
}

#[test]
fn a_mapping_describes_a_new_table() {
    let mapping = Mapping::from_toml(
        r#"
        name = "Cooperativa"
        zone = "America/Bahia"
        decimal = ","
        missing = ["s/d"]
        [time]
        columns = ["Data", "Hora"]
        format = "%d/%m/%Y %H:%M"
        label = "end"
        midnight = "closes"
        [meter]
        column = "Medidor"
        [quality]
        column = "Sit"
        estimated = ["E"]
        [[channel]]
        columns = ["Consumo"]
        kind = "interval"
        interval = "1h"
        "#,
    )
    .unwrap();
    let text = "Relatorio de consumo\n\nData;Hora;Medidor;Consumo;Sit\n\
                01/11/2026;23:00;7;1,5;R\n01/11/2026;00:00;7;0,25;E\n02/11/2026;01:00;7;s/d;R\n";
    assert_eq!(
        readings(text, Some(&mapping)),
        [("2026-11-02T02:00:00Z".to_owned(), 1500, 0), ("2026-11-02T03:00:00Z".to_owned(), 250, 1),]
    );
    let error = inspect("Data;Hora;Consumo;Sit\n".as_bytes(), "", Some(&mapping)).unwrap_err();
    assert!(error.to_string().contains("`Medidor`"), "{error}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test reads the documentation")]
fn the_mapping_in_the_documentation_is_understood() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/imports.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let mapping = Mapping::from_toml(rest.split_once("```").unwrap().0).unwrap();
    let text = "Data;Hora;Medidor;Consumo;Sit;Tipo\n01/11/2026;00:00;7;0,25;E;Ativa\n\
                01/11/2026;00:00;7;9;R;Reativa\n";
    let expected = ("2026-11-02T03:00:00Z".to_owned(), 250, 1);
    assert_eq!(readings(text, Some(&mapping)), [expected]);
}

#[test]
fn columns_may_be_given_by_number_where_there_is_no_heading() {
    let mapping = Mapping::from_toml(
        "no_header = true\n[time]\ncolumns = [1]\n[meter]\nvalue = \"M\"\n\
         [[channel]]\ncolumns = [3]\nkind = \"register\"\nunit = \"Wh\"\n",
    )
    .unwrap();
    let text = "2026-11-01T00:00:00Z,x,100\n2026-11-01T01:00:00Z,x,160\n";
    assert_eq!(
        readings(text, Some(&mapping)),
        good(&[("2026-11-01T00:00:00Z", 100), ("2026-11-01T01:00:00Z", 160)])
    );
}

#[test]
fn an_unknown_file_is_told_the_nearest_format_and_what_did_not_fit() {
    for (text, nearest, said) in [
        ("", None, "empty"),
        ("hello\nworld\n", None, "begins `hello`"),
        ("LCLid,tstp,kWh\nH,2013-01-01 00:00:00,1\n", Some(Format::London), "energy(kWh/hh)"),
        ("serial,when,register\n", Some(Format::FieldReadings), "`date`"),
        ("<html></html>", Some(Format::GreenButton), "no IntervalBlock"),
    ] {
        let Err(FileError::Unrecognised { nearest: found, what }) = read(text.as_bytes(), "", None)
        else {
            panic!("{text} was read")
        };
        assert_eq!(found, nearest, "{text}");
        assert!(what.contains(said), "{text}: {what}");
    }
}

fn nem(body: &str) -> String {
    format!("100,NEM12,200405011135,MDA1,Ret1\n200,N1,E1,,E1,,M1,kWh,30,\n{body}900\n")
}

fn day(count: usize, tail: &str) -> String {
    format!("300,20040201{},{tail}\n", ",1.111".repeat(count))
}

#[test]
fn nem12_is_read_in_its_own_time_with_its_qualities() {
    let text =
        nem(&format!("{}400,1,20,F14,76,\n400,21,24,N,,\n400,25,48,E52,,\n", day(48, "V,,,,")));
    let rows = readings(&text, None);
    assert_eq!(rows.len(), 44, "an interval without data is not read as its filler");
    assert_eq!(rows[0], ("2004-01-31T14:30:00Z".to_owned(), 1111, 2));
    assert_eq!(rows[43], ("2004-02-01T14:00:00Z".to_owned(), 1111, 1));
    let report = report(&text);
    assert_eq!((report.gaps, report.channels[0].gaps[0].missing), (1, Some(4)));
    // A long record may be wrapped.
    let wrapped = nem(&day(48, "A,,,,")).replacen(",1.111,1.111", ",1.111,\n1.111", 1);
    assert_eq!(readings(&wrapped, None).len(), 48);
}

#[test]
fn nem12_that_breaks_the_format_is_refused_with_line_and_reason() {
    for (text, line, said) in [
        ("\n200,N1,E1,,E1,,M1,kWh,30,\n900\n".to_owned(), 1, "first record must be 100"),
        ("100,NEM12,200405011135,MDA1,Ret1\n900\n".to_owned(), 2, "no record between"),
        (nem(&day(48, "A,,,,")).replace("900\n", ""), 3, "cut off"),
        (nem("300,20040201,V,,,\n"), 3, "interval 1 is `V`"),
        (nem(&day(47, "A,,,,")), 3, "interval 48 is `A`"),
        (nem(&day(96, "A,,,,")), 3, "48 intervals of 30 minutes"),
        (nem(&day(48, "X,,,,")), 3, "`X` is not a quality"),
        (nem(&format!("{}400,1,24,A,,\n", day(48, "V,,,,"))), 3, "none for interval 25"),
        (
            nem(&format!("{}400,1,96,A,,\n", day(48, "V,,,,"))),
            4,
            "interval 96 where the day has 48",
        ),
        (nem(&day(48, "A,,,,")).replace("kWh,30", "kWh,7"), 2, "interval length `7`"),
        (nem(&day(48, "A,,,,")).replace("20040201", "20040231"), 3, "not a date"),
    ] {
        match read(text.as_bytes(), "", None) {
            Err(FileError::Refused { format: Format::Nem12, line: found, reason }) => {
                assert_eq!(found, line, "{reason}\n{text}");
                assert!(reason.contains(said), "{reason}");
            }
            other => panic!("{said}: {other:?}"),
        }
    }
}

#[test]
fn nem13_dials_roll_over_at_their_digits() {
    let text = "100,NEM13,200401101030,MDA1,Ret1\n\
        250,N1,11,1,11,11,M1,E,99890,20041117093206,A,,,02034,20050217074053,A,,,2144,KWH,20050519,20050218104410,\n\
        900\n";
    let report = report(text);
    assert_eq!((report.format, report.channels[0].wh), (Format::Nem13, Some(2_144_000)));
    assert!(report.notes.is_empty(), "{:?}", report.notes);
    let other = report_of(&text.replace(",2144,", ",2140,"));
    assert!(other.notes[0].contains("states 2140000, its dials differ by 2144000"));
}

fn report_of(text: &str) -> FileReport {
    report(text)
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        drop(read(&bytes, "x", None));
    }

    #[test]
    fn no_damage_makes_it_panic(place in 0usize..900, byte in proptest::num::u8::ANY, which in 0usize..4) {
        let texts = [
            nem(&format!("{}400,1,48,F14,76,\n", day(48, "V,,,,"))),
            "LCLid,tstp,energy(kWh/hh)\nH1,2013-03-31 00:30:00, 0.219 \n".to_owned(),
            "Giorno;00:00-12:00;12:00-00:00\n\"01/09/2024\";\"0,139\";\"1,2\";\n".to_owned(),
            "100,NEM13,2,a,b\n250,N1,11,1,11,11,M1,E,99890,20041117093206,A,,,02034,20050217074053,A,,,2144,KWH,2,2,\n900\n".to_owned(),
        ];
        let mut bytes = texts[which].clone().into_bytes();
        let place = place % bytes.len();
        bytes[place] = byte;
        drop(read(&bytes, "x", None));
        bytes.truncate(place);
        drop(read(&bytes, "x", None));
    }
}
