//! One passing and one failing case of every rule, and more where a rule has more to it.

use std::fmt::Write as _;

use corrente_vee::{Estimator, Rule, RuleSet};

use crate::fixture::read;

/// A rule, a life in which it has nothing to say, one in which it has, and what it then says.
struct Case {
    rule: Rule,
    passes: &'static str,
    fails: &'static str,
    says: &'static str,
}

const CASES: &[Case] = &[
    Case {
        rule: Rule::ConsecutiveInterval,
        passes: "meter 1 interval every 1h\n rise 1:00 23:00 1h 300 1\n 24:00 322",
        fails: "meter 1 interval every 1h\n rise 1:00 24:00 1h 300 0",
        says: "warning consecutive_interval 00:00 to 24:00: 24 intervals in a row of 300 Wh",
    },
    Case {
        rule: Rule::Duplicate,
        passes: "meter 1 register\n rise 0:00 24:00 1h 5000 100",
        fails: "meter 1 register\n rise 0:00 24:00 1h 5000 100\n 3:00 5300\n 4:00 5400",
        says: "info duplicate 03:00 to 04:00: 2 readings came again",
    },
    Case {
        rule: Rule::Duplicate,
        passes: "meter 1 register\n rise 0:00 24:00 1h 5000 100",
        fails: "meter 1 register\n rise 0:00 24:00 1h 5000 100\n 3:00 5310",
        says: "warning duplicate 03:00: two values for one instant: 5300 Wh kept, 5310 Wh not",
    },
    Case {
        rule: Rule::DynamicComparison,
        passes: "own 14 400*24\nmeter 1 register\n rise 0:00 24:00 1h 5000 500",
        fails: "own 14 400*24\nmeter 1 register\n rise 0:00 24:00 1h 5000 900",
        says: "warning dynamic_comparison 00:00 to 24:00: the day has 21600 Wh; 10 comparable days have 9600 Wh on average, give or take 0 Wh",
    },
    Case {
        rule: Rule::SiblingChannels,
        passes: "meter 1 register\n rise 0:00 24:00 1h 5000 500\nsibling check B 0:00 24:00 1h 504",
        fails: "meter 1 register\n rise 0:00 24:00 1h 5000 500\nsibling check B 0:00 24:00 1h 540",
        says: "warning sibling_channels 00:00 to 24:00: 12000 Wh here, 12960 Wh by B",
    },
    Case {
        rule: Rule::SiblingChannels,
        passes: "meter 1 register\n rise 0:00 24:00 1h 5000 500\nsibling part T1 0:00 24:00 1h 200\nsibling part T2 0:00 24:00 1h 300",
        fails: "meter 1 register\n rise 0:00 24:00 1h 5000 500\nsibling part T1 0:00 24:00 1h 200\nsibling part T2 0:00 24:00 1h 200",
        says: "warning sibling_channels 00:00 to 24:00: 12000 Wh here, 9600 Wh by the parts",
    },
    Case {
        rule: Rule::FinalReplacement,
        passes: "meter 1 interval every 1h\n rise 1:00 24:00 1h 300 1\n 3:00 302 substituted",
        fails: "meter 1 interval every 1h\n rise 1:00 24:00 1h 300 1\n 3:00 280 substituted",
        says: "warning final_replacement 03:00: the source replaced 302 Wh by 280 Wh",
    },
    Case {
        rule: Rule::HighLow,
        passes: "set day_high_wh = 12000\nmeter 1 register\n rise 0:00 24:00 1h 5000 500",
        fails: "set day_high_wh = 11999\nmeter 1 register\n rise 0:00 24:00 1h 5000 500",
        says: "warning high_low 00:00 to 24:00: 12000 Wh is above 11999 Wh",
    },
    Case {
        rule: Rule::HighLow,
        passes: "set day_low_wh = 12000\nmeter 1 register\n rise 0:00 24:00 1h 5000 500",
        fails: "set day_low_wh = 12001\nmeter 1 register\n rise 0:00 24:00 1h 5000 500",
        says: "warning high_low 00:00 to 24:00: 12000 Wh is below 12001 Wh",
    },
    Case {
        rule: Rule::HighLow,
        passes: "span 0:00 3:00\nmeter 1 interval every 1h power 8000\n 1:00 300\n 2:00 11000\n 3:00 300",
        fails: "span 0:00 3:00\nmeter 1 interval every 1h power 8000\n 1:00 300\n 2:00 11001\n 3:00 300",
        says: "error high_low 01:00 to 02:00: 11001 Wh is above 11000 Wh, not believed",
    },
    Case {
        rule: Rule::HighLow,
        passes: "own 14 90000*24\nmeter 1 register\n rise 0:00 24:00 1h 5000 100000",
        fails: "own 14 40000*24\nmeter 1 register\n rise 0:00 24:00 1h 5000 100000",
        says: "warning high_low 00:00 to 24:00: 100000 W flowed, more than 50000 W, and nobody has entered what the connection carries",
    },
    Case {
        rule: Rule::HighLow,
        passes: "own 14 500*24\nmeter 1 interval every 1h\n rise 1:00 23:00 1h 500 1\n 24:00 63500",
        fails: "own 14 500*24\nmeter 1 interval every 1h\n rise 1:00 23:00 1h 500 1\n 24:00 63501",
        says: "error high_low 23:00 to 24:00: 63501 Wh is above 63500 Wh, not believed",
    },
    Case {
        rule: Rule::Inactive,
        passes: "off 6:00\non 12:00\nmeter 1 register\n rise 0:00 6:00 1h 5000 100\n 12:00 5600\n rise 13:00 24:00 1h 5700 100",
        fails: "off 6:00\non 12:00\nmeter 1 register\n rise 0:00 24:00 1h 5000 100",
        says: "error inactive 06:00 to 12:00: 600 Wh while disconnected",
    },
    Case {
        rule: Rule::IntervalSize,
        passes: "meter 1 register every 15m\n rise 0:00 6:00 15m 5000 25\n rise 8:00 24:00 15m 5800 25",
        fails: "meter 1 register every 15m\n rise 0:00 24:00 10m 5000 25",
        says: "warning interval_size 00:00 to 24:00: 144 readings are not a multiple of 900 s after the one before, most often 600 s",
    },
    Case {
        rule: Rule::Spike,
        passes: "span 0:00 4:00\nmeter 1 interval every 1h\n 1:00 1000\n 2:00 2800\n 3:00 1000\n 4:00 1000",
        fails: "span 0:00 4:00\nmeter 1 interval every 1h\n 1:00 1000\n 2:00 2801\n 3:00 1000\n 4:00 1000",
        says: "warning spike 01:00 to 02:00: 2801 Wh where the third highest of the day is 1000 Wh",
    },
    Case {
        rule: Rule::Multiplier,
        passes: "meter 1 register declared 200/5\n times 0:00 40/1\n rise 0:00 24:00 1h 5000 100",
        fails: "meter 1 register declared 200/5\n times 0:00 20/1\n rise 0:00 24:00 1h 5000 100",
        says: "error multiplier 00:00 to 24:00: the source multiplies by 200/5, we by 20/1",
    },
    Case {
        rule: Rule::Multiplier,
        passes: "own 14 400*24\nmeter 1 register\n times 0:00 40/1\n rise 0:00 24:00 1h 5000 10",
        fails: "own 14 10*24\nmeter 1 register\n times 0:00 40/1\n rise 0:00 24:00 1h 5000 10",
        says: "warning multiplier 00:00 to 24:00: the day has 9600 Wh where 240 Wh is usual: off by the multiplier 40/1?",
    },
    Case {
        rule: Rule::Negative,
        passes: "span 0:00 3:00\nmeter 1 interval every 1h\n 1:00 300\n 2:00 0\n 3:00 300",
        fails: "span 0:00 3:00\nmeter 1 interval every 1h\n 1:00 300\n 2:00 -1\n 3:00 300",
        says: "error negative 01:00 to 02:00: an interval of -1 Wh",
    },
    Case {
        rule: Rule::Negative,
        passes: "span 0:00 3:00\nmeter 1 register\n 0:00 900000\n 1:00 900300\n 2:00 900300\n 3:00 900600",
        fails: "span 0:00 3:00\nmeter 1 register\n 0:00 900000\n 1:00 900300\n 2:00 899000\n 3:00 899300",
        says: "error negative 01:00 to 02:00: the register ran back from 900300 Wh to 899000 Wh",
    },
    Case {
        rule: Rule::ProlongedEstimation,
        passes: "span 0:00 4/0:00\nmeter 1 register\n rise 0:00 24:00 1h 5000 100\n rise 3/0:00 4/0:00 1h 12200 100",
        fails: "span 0:00 4/0:00\nmeter 1 register\n rise 0:00 24:00 1h 5000 100\n rise 3/1:00 4/0:00 1h 12300 100",
        says: "warning prolonged_estimation 24:00 to 3/01:00: estimated for 49 h, 4900 Wh of it here",
    },
    Case {
        rule: Rule::Missing,
        passes: "span 0:00 3:00\nmeter 1 register\n 0:00 5000\n 3:00 5300",
        fails: "span 0:00 3:00\nset estimators = []\nmeter 1 interval every 1h\n 1:00 100\n 3:00 100",
        says: "error missing 01:00 to 02:00: 1 intervals missing, at least 0 Wh in them",
    },
    Case {
        rule: Rule::SumCheck,
        passes: "meter 1 interval every 1h\n rise 1:00 24:00 1h 300 0\n dial 0:00 50000\n dial 24:00 58000",
        fails: "meter 1 interval every 1h\n rise 1:00 24:00 1h 300 0\n dial 0:00 50000\n dial 24:00 59000",
        says: "error sum_check 00:00 to 24:00: the registers differ by 9000 Wh, the intervals add up to 7200 Wh",
    },
    Case {
        rule: Rule::SumCheck,
        passes: "span 0:00 3:00\nmeter 1 register\n 0:00 5000\n 3:00 5300\nedit 1:00 2:00 120 ana read on site",
        fails: "span 0:00 3:00\nmeter 1 register\n 0:00 5000\n 3:00 5300\nedit 1:00 2:00 301 ana read on site",
        says: "error sum_check 00:00 to 03:00: the registers differ by 300 Wh, the intervals with the edit add up to 301 Wh",
    },
    Case {
        rule: Rule::Unit,
        passes: "own 14 400*24\nmeter 1 register unit Wh\n rise 0:00 24:00 1h 5000 400",
        fails: "own 14 400*24\nmeter 1 register unit kWh\n rise 0:00 24:00 1h 5000 400",
        says: "error unit 00:00 to 24:00: the source gives Kwh where Wh are expected",
    },
    Case {
        rule: Rule::Unit,
        passes: "own 14 10000*24\nmeter 1 register\n rise 0:00 24:00 1h 5000 9000",
        fails: "own 14 10000*24\nmeter 1 register\n rise 0:00 24:00 1h 5000 9",
        says: "warning unit 00:00 to 24:00: the day has 216 Wh where 240000 Wh is usual: Wh taken for kWh, or the other way?",
    },
    Case {
        rule: Rule::Zero,
        passes: "own 14 400*18,0*6\nset dynamic_days = 100\nmeter 1 register\n rise 0:00 17:00 1h 5000 0\n rise 18:00 24:00 1h 5400 100",
        fails: "own 14 400*18,0*6\nset dynamic_days = 100\nmeter 1 register\n rise 0:00 18:00 1h 5000 0\n rise 19:00 24:00 1h 5400 100",
        says: "warning zero -6:00 to 18:00: no use for 24 h where a day usually has 7200 Wh",
    },
    Case {
        rule: Rule::Zero,
        passes: "own 14 400*24\nmeter 1 register\n rise 0:00 23:00 1h 5000 0\n 24:00 5001",
        fails: "own 14 400*24\nmeter 1 register\n rise 0:00 24:00 1h 5000 0",
        says: "warning zero 00:00 to 24:00: no use for 24 h where a day usually has 9600 Wh",
    },
    Case {
        rule: Rule::RegisterRollover,
        passes: "span 0:00 3:00\nmeter 1 register modulus 10000000\n 0:00 9998000\n 1:00 9999000\n 2:00 9999999\n 3:00 9999999",
        fails: "span 0:00 3:00\nmeter 1 register modulus 10000000\n 0:00 9998000\n 1:00 9999000\n 2:00 500\n 3:00 1500",
        says: "info register_rollover 01:00 to 02:00: rolled over at 10000000 Wh: from 9999000 Wh to 500 Wh",
    },
    Case {
        rule: Rule::RegisterReset,
        passes: "span 0:00 3:00\nmeter 1 register\n 0:00 5000000\n 1:00 5000500\n 2:00 5001000\n 3:00 5001500",
        fails: "span 0:00 3:00\nmeter 1 register\n 0:00 5000000\n 1:00 5000500\n 2:00 200\n 3:00 700",
        says: "error register_reset 01:00 to 02:00: began again: from 5000500 Wh to 200 Wh",
    },
    Case {
        rule: Rule::RegisterGlitch,
        passes: "span 0:00 3:00\nmeter 1 register\n 0:00 5000000\n 1:00 5000500\n 2:00 5001000\n 3:00 5001500",
        fails: "span 0:00 3:00\nmeter 1 register\n 0:00 5000000\n 1:00 9000500\n 2:00 5001000\n 3:00 5001500",
        says: "warning register_glitch 00:00 to 02:00: 1 readings jumped from 5000000 Wh to 9000500 Wh and back to 5001000 Wh",
    },
    Case {
        rule: Rule::RegisterGlitch,
        passes: "span 0:00 3:00\nmeter 1 register\n 0:00 5000000\n 1:00 5000000\n 2:00 5001000\n 3:00 5001500",
        fails: "span 0:00 3:00\nmeter 1 register\n 0:00 5000000\n 1:00 0\n 2:00 5001000\n 3:00 5001500",
        says: "warning register_glitch 00:00 to 02:00: 1 readings jumped from 5000000 Wh to 0 Wh and back to 5001000 Wh",
    },
    Case {
        rule: Rule::RegisterJump,
        passes: "span 0:00 3:00\nmeter 1 register power 10000\n 0:00 5000000\n 1:00 5000500\n 2:00 5014000\n 3:00 5014500",
        fails: "span 0:00 3:00\nmeter 1 register power 10000\n 0:00 5000000\n 1:00 5000500\n 2:00 7014001\n 3:00 7014500",
        says: "error register_jump 01:00 to 02:00: jumped from 5000500 Wh to 7014001 Wh where 13500 Wh is the most",
    },
    Case {
        rule: Rule::MeterExchange,
        passes: "span 0:00 3:00\nmeter 1 register\n 0:00 5000\n 1:00 5100\n 2:00 5200\n 3:00 5300",
        fails: "span 0:00 3:00\nmeter 1 register until 1:30 final 5150\n 0:00 5000\n 1:00 5100\nmeter 2 register from 1:30 first 7\n 2:00 57\n 3:00 157",
        says: "info meter_exchange 01:30: channel 2 follows channel 1, last register 5150 Wh, first 7 Wh",
    },
    Case {
        rule: Rule::ClockDrift,
        passes: "meter 1 register\n rise 0:00 24:00 1h 5000 100\n clock 12:00 60",
        fails: "meter 1 register\n rise 0:00 24:00 1h 5000 100\n clock 12:00 -61",
        says: "warning clock_drift 12:00: the clock is 61 s behind, seen 1 times",
    },
    Case {
        rule: Rule::Quarantine,
        passes: "now 24:00\nmeter 1 register\n rise 0:00 24:00 1h 5000 100\n 24:05 7400",
        fails: "now 24:00\nmeter 1 register\n rise 0:00 24:00 1h 5000 100\n 24:06 7400",
        says: "warning quarantine 1/00:06: 1 readings from 2026-11-03T00:06:00Z to 2026-11-03T00:06:00Z set aside: later than now",
    },
    Case {
        rule: Rule::Quarantine,
        passes: "meter 1 register from 0:00\n rise 0:00 24:00 1h 5000 100",
        fails: "meter 1 register from 3:00\n rise 2:00 24:00 1h 5000 100",
        says: "warning quarantine 02:00: 1 readings from 2026-11-02T02:00:00Z to 2026-11-02T02:00:00Z set aside: before the installation",
    },
    Case {
        rule: Rule::Tamper,
        passes: "off 3:00\non 3:00\nmeter 1 register\n rise 0:00 24:00 1h 5000 100",
        fails: "tamper 3:00 27\nmeter 1 register\n rise 0:00 24:00 1h 5000 100",
        says: "error tamper 03:00: tamper flag 27",
    },
    Case {
        rule: Rule::ParentChildren,
        passes: "price 0.85\nmeter 1 register\n rise 0:00 24:00 1h 5000 1000\nchild A 0:00 24:00 1h 450\nchild B 0:00 24:00 1h 500",
        fails: "price 0.85\nmeter 1 register\n rise 0:00 24:00 1h 5000 1000\nchild A 0:00 24:00 1h 450\nchild B 0:00 24:00 1h 300",
        says: "warning parent_children 00:00 to 24:00: parent 24000 Wh, children 18000 Wh, loss 6000 Wh worth 5.10",
    },
    Case {
        rule: Rule::ParentChildren,
        passes: "meter 1 register\n rise 0:00 24:00 1h 5000 1000\nchild A 0:00 24:00 1h missing\nchild B 0:00 24:00 1h 500",
        fails: "meter 1 register\n rise 0:00 24:00 1h 5000 1000\nchild A 0:00 24:00 1h 600\nchild B 0:00 24:00 1h 500",
        says: "warning parent_children 00:00 to 24:00: parent 24000 Wh, children 26400 Wh, loss -2400 Wh",
    },
];

#[test]
fn every_rule_passes_and_fails_where_it_should() {
    let mut wrong = String::new();
    for case in CASES {
        let fixture = read(case.passes);
        let outcome = fixture.run();
        for finding in outcome.findings.iter().filter(|f| f.rule == case.rule) {
            writeln!(wrong, "should pass: {}", fixture.print_finding(finding)).unwrap();
        }
        let fixture = read(case.fails);
        let outcome = fixture.run();
        let said: Vec<String> = outcome
            .findings
            .iter()
            .filter(|f| f.rule == case.rule)
            .map(|f| fixture.print_finding(f))
            .collect();
        if said != [case.says] {
            let all = fixture.print(&outcome);
            writeln!(wrong, "should say: {}\nsaid: {said:#?}\nall: {all}", case.says).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_rule_and_estimator_has_its_cases_and_its_section() {
    let page = crate::docs::page();
    let mut owed = String::new();
    for rule in Rule::ALL {
        if !CASES.iter().any(|c| c.rule == *rule) {
            writeln!(owed, "a case of {rule} in cases.rs").unwrap();
        }
        if !crate::docs::section_has_example(&page, rule.name()) {
            writeln!(owed, "a section `{rule}` with an example in docs/vee.md").unwrap();
        }
    }
    for estimator in Estimator::ALL {
        let name = estimator.name();
        if !crate::estimators::HAS_CASES.contains(estimator) {
            writeln!(owed, "cases of {name} in estimators.rs").unwrap();
        }
        if !crate::docs::section_has_example(&page, name) {
            writeln!(owed, "a section `{name}` with an example in docs/vee.md").unwrap();
        }
    }
    assert!(owed.is_empty(), "still owed:\n{owed}");
}

#[test]
fn a_rule_set_is_a_file_that_names_only_what_differs() {
    let text = "name = \"shops\"\nversion = 3\noff = [\"spike\", \"zero\"]\n\
                [parameters]\npower_max_w = 75000\nestimators = [\"own_profile\"]\n";
    let rules: RuleSet = toml::from_str(text).unwrap();
    assert!(!rules.has(Rule::Spike) && rules.has(Rule::Missing));
    let standard = RuleSet::standard().parameters;
    assert_eq!(rules.parameters.power_max_w, Some(75_000));
    assert_eq!(rules.parameters.sum_check_wh, standard.sum_check_wh);
    let misspelt = text.replace("power_max_w", "power_max_kw");
    assert!(toml::from_str::<RuleSet>(&misspelt).unwrap_err().to_string().contains("power_max_kw"));
    let unknown = text.replace("spike", "spikes");
    assert!(toml::from_str::<RuleSet>(&unknown).is_err());
}

#[test]
fn a_rule_that_is_off_says_nothing_and_believes_nothing_more() {
    let text = "span 0:00 3:00\nmeter 1 register\n 0:00 5000000\n 1:00 9000500\n 2:00 5001000\n 3:00 5001500";
    let on = read(text).run();
    let off = read(&format!("off-rule register_glitch\n{text}")).run();
    assert_eq!(on.profile, off.profile);
    assert_eq!(off.findings, []);
}
