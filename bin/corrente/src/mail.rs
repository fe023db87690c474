//! The worker that delivers messages, by the settings.

use std::sync::Arc;

use corrente_notify::{Catalogue, Keys, Outbound, Smtp, SmtpConfig, SmtpSecurity, Worker};
use corrente_registry::Registry;

use crate::{
    failure::Failure,
    settings::{MailSecurity, MailSettings},
};

/// Seconds until an attempt to deliver is given up.
const TIMEOUT_SECONDS: u64 = 30;

/// The worker over this outbox. Without a mail server it lets messages wait.
pub(crate) fn worker(settings: &MailSettings, registry: Registry) -> Result<Worker, Failure> {
    let smtp = match &settings.host {
        Some(host) => Some(smtp(settings, host)?),
        None => None,
    };
    let outbound = Outbound::new(settings.private_targets)
        .map_err(|error| Failure::of("messages cannot be sent over TLS", error))?;
    Worker::new(registry, smtp, outbound, Some(settings.portal.clone()))
        .map_err(|error| Failure::of("messages cannot be delivered", error))
}

/// The keys of what this data directory sends.
pub(crate) fn keys(settings: &MailSettings, registry: &Registry) -> Result<Arc<Keys>, Failure> {
    let sender = match &settings.host {
        Some(host) => Some(smtp(settings, host)?.sender().to_owned()),
        None => None,
    };
    let contact = corrente_notify::contact(Some(&settings.portal), sender.as_deref());
    registry
        .write_blocking(move |tx| Keys::load(tx, &contact))
        .map(Arc::new)
        .map_err(|error| Failure::of("messages cannot be signed", error))
}

/// What alerts say.
pub(crate) fn texts() -> Result<Catalogue, Failure> {
    Catalogue::built_in().map_err(|error| Failure::of("alerts cannot be put in words", error))
}

fn smtp(settings: &MailSettings, host: &str) -> Result<Smtp, Failure> {
    let password = match &settings.password_file {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Failure::of(format!("mail.password_file {}", path.display()), error)
            })?;
            text.lines().next().unwrap_or_default().to_owned()
        }
        None => String::new(),
    };
    let config = SmtpConfig {
        host: host.to_owned(),
        port: settings.port,
        security: match settings.security {
            MailSecurity::None => SmtpSecurity::None,
            MailSecurity::StartTls => SmtpSecurity::StartTls,
            MailSecurity::Tls => SmtpSecurity::Tls,
        },
        credentials: settings.user.clone().map(|user| (user, password)),
        from: settings.from.clone(),
        timeout_seconds: TIMEOUT_SECONDS,
    };
    Smtp::new(&config).map_err(|error| Failure::of("mail", error))
}
