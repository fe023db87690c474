//! A letter as a page: tables and inline styles, because mailboxes know little else.

use crate::text::Words;

/// What stands around the messages.
pub(crate) struct Page<'a> {
    pub(crate) language: &'a str,
    pub(crate) hello: &'a str,
    pub(crate) footer: &'a str,
    /// On the button.
    pub(crate) open: &'a str,
    /// Words and address of the link that ends the letters.
    pub(crate) unsubscribe: Option<(&'a str, &'a str)>,
}

const FONT: &str = "font-family:Inter,Segoe UI,Roboto,Helvetica,Arial,sans-serif";

impl Page<'_> {
    /// The page with these messages.
    pub(crate) fn of(&self, words: &[Words]) -> String {
        let messages: String = words.iter().map(|words| self.message(words)).collect();
        let unsubscribe = self.unsubscribe.map_or_else(String::new, |(text, link)| {
            format!(
                "<p style=\"margin:12px 0 0\"><a href=\"{}\" style=\"color:#5b655f\">{}</a></p>",
                escape(link),
                escape(text)
            )
        });
        format!(
            "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\">\
             <meta name=\"color-scheme\" content=\"light dark\"><title>Corrente</title></head>\n\
             <body style=\"margin:0;background:#f5f4ef;color:#17201b;{FONT}\">\
             <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\">\
             <tr><td align=\"center\" style=\"padding:24px 12px\">\
             <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" \
             style=\"max-width:560px;text-align:left\">\
             <tr><td style=\"padding:0 4px 16px;font-size:18px;font-weight:600;color:#0b6b5d\">\
             Corrente</td></tr>\n\
             <tr><td style=\"padding:0 4px 12px;font-size:16px\">{}</td></tr>\n{messages}\
             <tr><td style=\"padding:16px 4px 0;font-size:13px;line-height:20px;color:#5b655f\">\
             {}{unsubscribe}</td></tr>\n</table></td></tr></table></body></html>\n",
            escape(self.language),
            escape(self.hello),
            escape(self.footer),
        )
    }

    fn message(&self, words: &Words) -> String {
        let button = words.link.as_ref().map_or_else(String::new, |link| {
            format!(
                "<p style=\"margin:16px 0 0\"><a href=\"{}\" style=\"display:inline-block;\
                 padding:12px 20px;border-radius:12px;background:#0b6b5d;color:#ffffff;\
                 font-weight:600;text-decoration:none\">{}</a></p>",
                escape(link),
                escape(self.open)
            )
        });
        format!(
            "<tr><td style=\"padding:0 0 12px\"><div style=\"padding:20px;border-radius:16px;\
             background:#ffffff;border:1px solid #e2e0d8;color:#17201b\">\
             <h1 style=\"margin:0 0 8px;font-size:20px;line-height:28px\">{}</h1>\
             <p style=\"margin:0 0 8px;font-size:16px;line-height:24px\">{}</p>\
             <p style=\"margin:0;font-size:16px;line-height:24px;color:#5b655f\">{}</p>{button}\
             </div></td></tr>\n",
            escape(&words.title),
            escape(&words.sentence),
            escape(&words.action),
        )
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
