//! How long a look and a preview take, over a year of hours on real files. Times depend on the machine: they
//! are printed (`cargo test --release -p corrente-mdm --test alerts figures -- --nocapture`), and what
//! fails is a ratio.

use std::time::{Duration, Instant};

use corrente_alert::RuleKind;
use serde_json::json;

use crate::home::Home;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_of_looks_and_previews() {
    let home = Home::new("2026-11-20T12:00");
    home.read("2025-11-01T00:00", 0).await;
    home.hours("2025-11-01T00:00", "2026-11-20T12:00", 400, 0).await;
    for month in ["2025-11-01", "2026-09-01", "2026-10-01"] {
        home.mdm.issue_invoice(home.point, month.parse().unwrap()).unwrap();
    }
    let preview = |kind: RuleKind, parameters: serde_json::Value| -> Duration {
        let started = Instant::now();
        home.mdm.preview_alert_rule(home.point, kind, &parameters).unwrap();
        started.elapsed()
    };
    let first = preview(RuleKind::BillJump, json!({"percent": "15"}));
    // Another number is tried on the same past.
    let again = preview(RuleKind::BillJump, json!({"percent": "20"}));
    println!("preview of a bill: {first:?} the first time, {again:?} for the next number");
    assert!(again * 5 < first, "{again:?} after {first:?}");
    for (kind, parameters) in [
        (RuleKind::ExcessiveConsumption, json!({"threshold": "12", "unit": "kwh", "per": "day"})),
        (RuleKind::ExcessiveConsumption, json!({"threshold": "3000", "unit": "w", "per": "hour"})),
        (RuleKind::ForecastOverBudget, json!({"amount": "200"})),
        (RuleKind::AlwaysOn, json!({"percent": "30"})),
        (RuleKind::UnusualDay, json!({"percent": "60"})),
        (RuleKind::MeterSilent, json!({"minutes": 1440})),
    ] {
        println!("preview of {kind}: {:?}", preview(kind, parameters));
    }
    for kind in RuleKind::ALL {
        let parameters = match kind {
            RuleKind::ExcessiveConsumption => {
                json!({"threshold": "290", "unit": "kwh", "per": "bill"})
            }
            RuleKind::BillJump | RuleKind::BillJumpYear => json!({"percent": "15"}),
            RuleKind::ForecastOverBudget => json!({"amount": "200"}),
            RuleKind::AlwaysOn => json!({"percent": "30"}),
            RuleKind::UnusualDay => json!({"percent": "60"}),
            RuleKind::MeterSilent => json!({"minutes": 1440}),
            RuleKind::InvoiceDue => json!({"days_before": 3}),
            RuleKind::InvoiceIssued | RuleKind::InvoiceOverdue | RuleKind::InvoicePaid => json!({}),
        };
        home.set(kind, parameters);
    }
    let looks = 20_u32;
    let started = Instant::now();
    for _ in 0..looks {
        home.mdm.evaluate_alerts(home.point).unwrap();
    }
    println!(
        "a look at all {} rules of a home: {:?}",
        RuleKind::ALL.len(),
        started.elapsed() / looks
    );
}
