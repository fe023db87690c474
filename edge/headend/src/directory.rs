//! Who may come in: serial and secret, or an enrolment token, over the registry.

use corrente_ledger::LedgerError;
use corrente_line::v1::{Channel, Credential, ErrorCode, Hello, LineError};
use corrente_metering::{
    ChannelId, ChannelKind, ChannelSpec, Direction, Timestamp,
    id::{MeterId, UsagePointId},
};
use corrente_registry::{
    RegistryError,
    channels::{ChannelRow, NewChannel},
    enrolment::{self, EnrolmentRefusal, Redemption},
    meters::{self, MeterAccess},
};

use crate::Services;

/// A meter that may report.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) meter: MeterId,
    pub(crate) usage_point: Option<UsagePointId>,
    pub(crate) installed_from: Timestamp,
    pub(crate) interval_s: u32,
    pub(crate) channels: Box<[AdmittedChannel]>,
}

/// One of its channels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdmittedChannel {
    pub(crate) id: ChannelId,
    pub(crate) kind: ChannelKind,
    pub(crate) direction: Direction,
    pub(crate) interval_s: Option<i64>,
}

/// An admitted meter, the names of its channels in the same order, and its new secret if it enrolled.
pub(crate) struct Admission {
    pub(crate) admitted: Admitted,
    pub(crate) names: Vec<String>,
    pub(crate) secret: Option<String>,
}

/// Looks the meter up, or enrols it, and makes its channels known to the ledger.
pub(crate) async fn admit(services: &Services, hello: Hello) -> Result<Admission, LineError> {
    let Hello { serial, credential } = hello;
    let (access, secret) = match credential {
        Credential::Secret(secret) => {
            let known = services
                .registry
                .read(move |tx| -> Result<_, RegistryError> {
                    meters::authenticate(tx, &serial, &secret)
                })
                .await
                .map_err(|error| unavailable(&error))?;
            // One sentence for both, so that nobody can try out which serials exist.
            let known = known.ok_or_else(|| {
                LineError::new(
                    ErrorCode::NotAdmitted,
                    "no meter with this serial and secret is registered",
                )
            })?;
            (known, None)
        }
        Credential::Token { token, channels, usage_point } => {
            let (access, secret) = enrol(services, serial, token, channels, usage_point).await?;
            (access, Some(secret))
        }
    };
    let specs: Vec<ChannelSpec> = access.channels.iter().map(ChannelRow::spec).collect();
    let ledger = services.ledger.clone();
    // It may have to write.
    let opened = tokio::task::spawn_blocking(move || ledger.open_channels(&specs)).await;
    opened.unwrap_or(Err(LedgerError::Closed)).map_err(|error| storing_failed(&error))?;
    let names = access.channels.iter().map(|channel| channel.name.clone()).collect();
    Ok(Admission { admitted: admitted(&access), names, secret })
}

/// What a meter is told when its readings cannot be stored; it comes back later.
pub(crate) fn storing_failed(error: &LedgerError) -> LineError {
    tracing::error!(error = %error, "readings cannot be stored");
    LineError::new(ErrorCode::Unavailable, "readings cannot be stored now: come back later")
}

async fn enrol(
    services: &Services,
    serial: String,
    token: String,
    channels: Vec<Channel>,
    usage_point: Option<String>,
) -> Result<(MeterAccess, String), LineError> {
    let channels: Vec<NewChannel> = channels
        .into_iter()
        .map(|channel| NewChannel {
            name: channel.name,
            kind: channel.kind,
            direction: channel.direction,
            interval_seconds: channel.interval_s.map(i64::from),
            register_digits: None,
        })
        .collect();
    let now = services.clock.now();
    let enrolled = services
        .registry
        .write(move |tx| {
            let redemption = Redemption {
                token: &token,
                serial: &serial,
                usage_point: usage_point.as_deref(),
                channels: &channels,
                now,
            };
            enrolment::redeem(tx, &redemption)
        })
        .await;
    match enrolled {
        Ok((access, secret)) => {
            tracing::info!(meter.id = %access.meter, "meter enrolled");
            Ok((access, secret.reveal().to_owned()))
        }
        Err(EnrolmentRefusal::Registry(error)) => Err(unavailable(&error)),
        Err(refusal) => Err(LineError::new(ErrorCode::NotAdmitted, refusal.to_string())),
    }
}

fn admitted(access: &MeterAccess) -> Admitted {
    Admitted {
        meter: access.meter,
        usage_point: access.usage_point,
        installed_from: access.installed_from,
        interval_s: u32::try_from(access.reporting_seconds).unwrap_or(10).max(1),
        channels: access
            .channels
            .iter()
            .map(|channel| AdmittedChannel {
                id: channel.number,
                kind: channel.kind,
                direction: channel.direction,
                interval_s: channel.interval_seconds,
            })
            .collect(),
    }
}

fn unavailable(error: &RegistryError) -> LineError {
    if matches!(error, RegistryError::Invalid { .. } | RegistryError::Exists(_)) {
        return LineError::new(ErrorCode::NotAdmitted, error.to_string());
    }
    tracing::error!(error = %error, "meter cannot be looked up");
    LineError::new(ErrorCode::Unavailable, "meters cannot be looked up now: come back later")
}
