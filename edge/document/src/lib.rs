//! The invoice as a document: PDF/A-3a that a screen reader can read, from a template that a designer
//! can edit (`templates/invoice.typ`) and words that a translator can (`words/*.json`).
//!
//! A template and its words say how issued invoices look, and these never change: once a version has been
//! released, another look is another template with the next number, which invoices carry from then on.
//!
//! The caller hands over a [`Bill`] whose figures are text already, in the reader's language: nothing
//! is computed here, so that the paper says what the plan says.

mod bill;
mod compose;
mod words;
mod world;

use std::sync::OnceLock;

use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

pub use bill::{
    BarCode, Bill, Corrects, DifferenceRow, HistoryMonth, LineRow, MeterRow, Nf3e, Party, Period,
    Pix, Place, TaxRow, Why, WhyPart,
};
pub use compose::{Correction, Facts, compose};
use world::{Shared, World};

/// The languages that documents exist in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Brazilian Portuguese.
    Portuguese,
    /// English.
    English,
    /// Spanish.
    Spanish,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Portuguese, Self::English, Self::Spanish];

    /// The language of this tag (`pt-BR`, `en-GB`, `es`); Portuguese where there is none of ours.
    pub fn of_tag(tag: &str) -> Self {
        match tag.split('-').next() {
            Some("en") => Self::English,
            Some("es") => Self::Spanish,
            _ => Self::Portuguese,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Portuguese => "pt",
            Self::English => "en",
            Self::Spanish => "es",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Portuguese => include_str!("../words/pt-BR.json"),
            Self::English => include_str!("../words/en.json"),
            Self::Spanish => include_str!("../words/es.json"),
        }
    }
}

/// The document could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The bill is no JSON: cannot happen with a [`Bill`].
    #[error("the bill cannot be handed to the template: {0}")]
    Bill(#[from] serde_json::Error),
    /// The template and the bill do not fit, or the standard is not met.
    #[error("the document cannot be made: {0}")]
    Template(String),
}

/// The invoice as PDF/A-3a.
///
/// # Errors
/// When the template does not fit the bill; a test makes one in every language.
pub fn invoice_pdf(bill: &Bill, language: Language) -> Result<Vec<u8>, DocumentError> {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    let shared = SHARED.get_or_init(Shared::new);
    let mut data = serde_json::to_value(bill)?;
    if let Some(data) = data.as_object_mut() {
        data.insert("language".to_owned(), language.code().into());
    }
    let world = World::new(shared, serde_json::to_vec(&data)?, language.words());
    let document =
        typst::compile::<PagedDocument>(&world).output.map_err(|problems| said(&problems))?;
    let standards = PdfStandards::new(&[PdfStandard::A_3a])
        .map_err(|error| DocumentError::Template(error.message().to_string()))?;
    let options = PdfOptions { standards, ..PdfOptions::default() };
    let pdf = typst_pdf::pdf(&document, &options).map_err(|problems| said(&problems));
    // What typst remembers of this bill is of no use for the next one.
    comemo::evict(3);
    pdf
}

fn said(problems: &[typst::diag::SourceDiagnostic]) -> DocumentError {
    let sentences: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    DocumentError::Template(sentences.join("; "))
}
