//! Who may come in: serial and secret, or an enrolment token, over the registry.

use corrente_ledger::LedgerError;
use corrente_line::v1::{Channel, Credential, ErrorCode, Hello, LineError};
use corrente_metering::{
    ChannelId, ChannelKind, ChannelSpec, Direction, Timestamp,
    id::{MeterId, UsagePointId},
};
use corrente_registry::{
    RegistryError, Tx,
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

/// An admitted meter, the names of its channels in the same order, and its new secret if it enrolled:
/// then its next reading shows that it has the secret, and [`confirm`] is to be called.
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
                    let Some(known) = meters::authenticate(tx, &serial, &secret)? else {
                        return Ok(None);
                    };
                    let unconfirmed = enrolment::is_unconfirmed(tx, known.meter)?;
                    Ok(Some((known, unconfirmed)))
                })
                .await
                .map_err(|error| unavailable(&error))?;
            // One sentence for both, so that nobody can try out which serials exist.
            let (known, unconfirmed) = known.ok_or_else(|| {
                LineError::new(
                    ErrorCode::NotAdmitted,
                    "no meter with this serial and secret is registered",
                )
            })?;
            if unconfirmed {
                confirm(services, known.meter).await;
            }
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

/// Notes that a meter has the secret that it was given: from now on its serial is taken.
pub(crate) async fn confirm(services: &Services, meter: MeterId) {
    let confirmed = services.registry.write(move |tx| enrolment::confirm(tx, meter)).await;
    if let Err(error) = confirmed {
        // The next use of the secret does it.
        tracing::warn!(meter.id = %meter, error = %error, "enrolment not confirmed");
    }
}

/// What a meter is told when its readings cannot be stored; it comes back later.
pub(crate) fn storing_failed(error: &LedgerError) -> LineError {
    // The ledger says once that it cannot write, and once that it can again: not each meter each time,
    // least of all where the disk is full.
    tracing::debug!(error = %error, "readings cannot be stored");
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
    let asked = Asked { serial, token, channels, usage_point, now: services.clock.now() };
    let enrolled = match services.registry.read(asked.clone().with(enrolment::check)).await {
        Ok(()) => services.registry.write(asked.with(enrolment::redeem)).await,
        Err(refusal) => Err(refusal),
    };
    match enrolled {
        Ok((access, secret)) => {
            tracing::info!(meter.id = %access.meter, "meter enrolled");
            Ok((access, secret.reveal().to_owned()))
        }
        Err(EnrolmentRefusal::Registry(error)) => Err(unavailable(&error)),
        Err(refusal) => Err(LineError::new(ErrorCode::NotAdmitted, refusal.to_string())),
    }
}

/// What a meter asks with that has a token.
#[derive(Clone)]
struct Asked {
    serial: String,
    token: String,
    channels: Vec<NewChannel>,
    usage_point: Option<String>,
    now: Timestamp,
}

impl Asked {
    /// The question as an operation of the registry.
    fn with<T>(
        self,
        operation: fn(&mut Tx, &Redemption<'_>) -> Result<T, EnrolmentRefusal>,
    ) -> impl FnMut(&mut Tx) -> Result<T, EnrolmentRefusal> {
        move |tx| {
            let redemption = Redemption {
                token: &self.token,
                serial: &self.serial,
                usage_point: self.usage_point.as_deref(),
                channels: &self.channels,
                now: self.now,
            };
            operation(tx, &redemption)
        }
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
