//! What typst sees: one template, one bill, the words, two fonts, no clock and no file system.

use typst::{
    Library, LibraryExt,
    diag::{FileError, FileResult},
    foundations::{Bytes, Datetime, Duration},
    syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot},
    text::{Font, FontBook},
    utils::LazyHash,
};

/// What all documents share.
#[derive(Debug)]
pub(crate) struct Shared {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    template: Source,
    bill: FileId,
    words: FileId,
}

impl Shared {
    pub(crate) fn new() -> Self {
        let fonts: Vec<Font> = [
            &include_bytes!("../fonts/Inter-Regular.ttf")[..],
            &include_bytes!("../fonts/Inter-SemiBold.ttf")[..],
        ]
        .into_iter()
        .flat_map(|font| Font::iter(Bytes::new(font)))
        .collect();
        Self {
            library: LazyHash::new(Library::default()),
            book: LazyHash::new(FontBook::from_fonts(&fonts)),
            fonts,
            template: Source::new(
                file("invoice.typ"),
                include_str!("../templates/invoice.typ").into(),
            ),
            bill: file("bill.json"),
            words: file("words.json"),
        }
    }
}

#[expect(clippy::expect_used, reason = "the three names are constants of this file and valid")]
fn file(name: &str) -> FileId {
    let path = VirtualPath::new(name).expect("a plain file name is a virtual path");
    FileId::new(RootedPath::new(VirtualRoot::Project, path))
}

/// The world of one document.
#[derive(Debug)]
pub(crate) struct World<'a> {
    shared: &'a Shared,
    bill: Bytes,
    words: Bytes,
}

impl<'a> World<'a> {
    pub(crate) fn new(shared: &'a Shared, bill: Vec<u8>, words: &'static str) -> Self {
        Self { shared, bill: Bytes::new(bill), words: Bytes::from_string(words) }
    }
}

impl typst::World for World<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &self.shared.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.shared.book
    }

    fn main(&self) -> FileId {
        self.shared.template.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.shared.template.id() {
            Ok(self.shared.template.clone())
        } else {
            Err(FileError::AccessDenied)
        }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id == self.shared.bill {
            Ok(self.bill.clone())
        } else if id == self.shared.words {
            Ok(self.words.clone())
        } else {
            Err(FileError::AccessDenied)
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.shared.fonts.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}
