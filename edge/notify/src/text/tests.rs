use corrente_alert::{DeliveryTopic, Moment};

use super::*;

fn message(kind: impl Into<Topic>, moment: Moment, language: &str) -> Message {
    let values = [
        ("value", "312.44"),
        ("percent", "327.4"),
        ("cause", "use"),
        ("cause_amount", "87.5"),
        ("limit", "300"),
        ("worst", "512.3"),
        ("unit", "kwh"),
        ("per", "bill"),
        ("watts", "140.2"),
        ("watts_before", "96"),
        ("from", "2026-11-01"),
        ("subject", "2026-11-20"),
        ("projected", "1243.2"),
        ("previous", "204"),
        ("number", "2026-000017"),
        ("amount", "204.1"),
        ("due", "2026-12-10"),
        ("label", "My server"),
        ("reason", "no answer in time"),
    ];
    Message {
        kind: kind.into(),
        moment,
        language: language.to_owned(),
        name: "Ana".to_owned(),
        usage_point: "Rua das Flores 12".to_owned(),
        currency: "BRL".to_owned(),
        values: values.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
    }
}

fn letter(
    catalogue: &Catalogue,
    message: &Message,
    portal: Option<&str>,
) -> Result<Letter, TextError> {
    catalogue.letter(std::slice::from_ref(message), portal, None)
}

fn moments(kind: RuleKind) -> Vec<Moment> {
    match kind {
        RuleKind::InvoiceIssued
        | RuleKind::InvoiceDue
        | RuleKind::InvoiceOverdue
        | RuleKind::InvoicePaid => vec![Moment::Started],
        RuleKind::ExcessiveConsumption
        | RuleKind::BillJump
        | RuleKind::BillJumpYear
        | RuleKind::ForecastOverBudget
        | RuleKind::AlwaysOn
        | RuleKind::UnusualDay
        | RuleKind::MeterSilent => vec![Moment::Started, Moment::Worse, Moment::Over],
    }
}

#[test]
fn every_moment_of_every_kind_has_words_in_every_language() {
    let catalogue = Catalogue::built_in().unwrap();
    for (language, _) in LANGUAGES {
        for kind in RuleKind::ALL {
            for moment in moments(kind) {
                let letter = letter(&catalogue, &message(kind, moment, language), None).unwrap();
                assert!(!letter.subject.contains('{'), "{letter:?}");
                assert!(!letter.body.contains('{'), "{letter:?}");
                assert!(letter.subject.chars().count() < 78, "{}", letter.subject);
            }
        }
        for topic in [DeliveryTopic::Test, DeliveryTopic::DestinationPaused] {
            let message = message(Topic::Delivery(topic), Moment::Started, language);
            let letter = letter(&catalogue, &message, None).unwrap();
            assert!(!letter.body.contains('{'), "{letter:?}");
        }
    }
}

#[test]
fn figures_are_written_as_the_language_writes_them() {
    let catalogue = Catalogue::built_in().unwrap();
    for (language, subject, part) in [
        (
            "pt-BR",
            "A próxima fatura deve subir 327%",
            "R$ 1.243,20, 327% acima da última, de R$ 204,00",
        ),
        (
            "en",
            "Your next bill may rise by 327%",
            "R$1,243.20, 327% above the last one of R$204.00",
        ),
        (
            "es",
            "La próxima factura subiría 327%",
            "R$ 1.243,20, 327% por encima de la última, de R$ 204,00",
        ),
        ("xx", "A próxima fatura deve subir 327%", "R$ 1.243,20"),
    ] {
        let letter =
            letter(&catalogue, &message(RuleKind::BillJump, Moment::Started, language), None)
                .unwrap();
        assert_eq!(letter.subject, subject);
        assert!(letter.body.contains(part), "{}", letter.body);
    }
    let message = message(RuleKind::ExcessiveConsumption, Moment::Started, "pt");
    let letter = letter(&catalogue, &message, Some("https://luz.example.org/")).unwrap();
    assert_eq!(letter.subject, "Consumo acima do limite: 312,4 kWh");
    assert!(letter.body.contains("1 de novembro de 2026"), "{}", letter.body);
    assert!(letter.body.contains("\nhttps://luz.example.org/historic\n"), "{}", letter.body);
}

#[test]
fn a_rule_about_consumption_says_over_which_stretch_it_looked() {
    let catalogue = Catalogue::built_in().unwrap();
    for (language, unit, per, part) in [
        ("en", "kwh", "bill", "312.4 kWh in the period that began on 1 November 2026, above"),
        ("en", "kwh", "day", "312.4 kWh on 1 November 2026, above"),
        ("en", "money", "hour", "R$312.44 in one hour of 1 November 2026, above"),
        ("en", "w", "hour", "312 W on 1 November 2026, above your limit of 300 W."),
        (
            "pt-BR",
            "money",
            "day",
            "R$ 312,44 em 1 de novembro de 2026, acima do seu limite de R$ 300,00.",
        ),
        (
            "pt-BR",
            "kwh",
            "bill",
            "312,4 kWh no período que começou em 1 de novembro de 2026, acima",
        ),
        ("es", "kwh", "hour", "312,4 kWh en una hora del 1 de noviembre de 2026, por encima"),
        ("es", "w", "bill", "312 W el 1 de noviembre de 2026, por encima"),
    ] {
        let mut message = message(RuleKind::ExcessiveConsumption, Moment::Started, language);
        message.values.insert("unit".to_owned(), unit.to_owned());
        message.values.insert("per".to_owned(), per.to_owned());
        let words = catalogue.words(&message, None).unwrap();
        assert!(words.sentence.contains(part), "{}", words.sentence);
    }
    for (language, texts) in &catalogue.languages {
        for per in ["hour", "day", "bill"] {
            assert!(texts.stretches[per].contains("{from}"), "{language}: {per}");
        }
    }
}

#[test]
fn no_line_of_a_page_ends_inside_a_figure() {
    let catalogue = Catalogue::built_in().unwrap();
    let message = message(RuleKind::BillJump, Moment::Started, "pt");
    let (page, told) =
        (catalogue.page_words(&message).unwrap(), catalogue.words(&message, None).unwrap());
    assert!(page.sentence.contains("para R$\u{a0}1.243,20, 327% acima"), "{}", page.sentence);
    assert_eq!(told.sentence, page.sentence.replace('\u{a0}', " "));
    assert!(told.sentence.contains("para R$ 1.243,20, 327% acima"), "{}", told.sentence);
}

#[test]
fn what_has_no_words_is_said_to_have_none() {
    let catalogue = Catalogue::built_in().unwrap();
    for (language, title) in
        [("pt-BR", "Um aviso"), ("en", "An alert"), ("es", "Un aviso"), ("xx", "Um aviso")]
    {
        let words = catalogue.unknown(language);
        assert_eq!(words.title, title);
        assert!(!words.sentence.contains('{') && !words.action.contains('{'), "{words:?}");
    }
}

#[test]
fn a_link_leads_to_the_home_and_the_bill() {
    let catalogue = Catalogue::built_in().unwrap();
    let mut message = message(RuleKind::InvoiceDue, Moment::Started, "en");
    let path = |message: &Message| catalogue.words(message, None).unwrap().path;
    assert_eq!(path(&message), "/invoice");
    message.values.insert("usage_point_id".to_owned(), "0191-a".to_owned());
    message.values.insert("invoice".to_owned(), "0192-b".to_owned());
    assert_eq!(path(&message), "/invoice?home=0191-a&bill=0192-b");
    message.values.insert("invoice".to_owned(), "x&y=\"".to_owned());
    assert_eq!(path(&message), "/invoice?home=0191-a");
}

#[test]
fn a_cause_is_said_where_it_is_known() {
    let catalogue = Catalogue::built_in().unwrap();
    for (language, part) in [
        ("pt", "A maior parte da diferença vem de uso: R$ 87,50."),
        ("en", "Most of the difference comes from use: R$87.50."),
        ("es", "La mayor parte de la diferencia viene de uso: R$ 87,50."),
    ] {
        let mut message = message(RuleKind::BillJump, Moment::Started, language);
        let words = catalogue.words(&message, None).unwrap();
        assert!(words.sentence.ends_with(part), "{}", words.sentence);
        message.values.remove("cause");
        let words = catalogue.words(&message, None).unwrap();
        assert!(!words.sentence.contains("87"), "{}", words.sentence);
    }
    // Every cause of a bill has a word in every language.
    for (language, texts) in &catalogue.languages {
        for cause in corrente_billing::Cause::ALL {
            assert!(texts.causes.contains_key(cause.word()), "{language}: {}", cause.word());
        }
    }
}

#[test]
fn a_missing_figure_is_named() {
    let mut incomplete = message(RuleKind::InvoiceDue, Moment::Started, "en");
    incomplete.values.remove("due");
    let error = letter(&Catalogue::built_in().unwrap(), &incomplete, None).unwrap_err();
    assert_eq!(error, TextError::Figure { kind: "invoice_due", name: "due".to_owned() });
}

#[test]
fn a_typed_name_never_begins_a_line() {
    let mut nasty = message(RuleKind::InvoiceDue, Moment::Started, "en");
    nasty.usage_point = "Home\r\nBcc: everybody@example.org".to_owned();
    let letter = letter(&Catalogue::built_in().unwrap(), &nasty, None).unwrap();
    assert!(!letter.body.contains("\nBcc"), "{}", letter.body);
}

#[test]
fn several_messages_become_one_letter_that_can_be_ended() {
    let messages = [
        message(RuleKind::BillJump, Moment::Started, "en"),
        message(RuleKind::MeterSilent, Moment::Started, "en"),
    ];
    let unsubscribe = Some("https://luz.example.org/api/v1/unsubscribe?token=x".to_owned());
    let letter = Catalogue::built_in().unwrap().letter(&messages, None, unsubscribe).unwrap();
    assert_eq!(letter.subject, "Your alerts of today: 2");
    let html = letter.html.unwrap();
    for text in [&letter.body, &html] {
        assert!(text.contains("Your next bill may rise"), "{text}");
        assert!(text.contains("has not reported for 5 h"), "{text}");
        assert!(text.contains("unsubscribe?token=x"), "{text}");
    }
}

#[test]
fn what_somebody_typed_is_text_in_a_page() {
    let mut nasty = message(RuleKind::MeterSilent, Moment::Started, "en");
    nasty.usage_point = "<script>alert(1)</script>".to_owned();
    let letter = letter(&Catalogue::built_in().unwrap(), &nasty, None).unwrap();
    let html = letter.html.unwrap();
    assert!(!html.contains("<script>") && html.contains("&lt;script&gt;"), "{html}");
}
