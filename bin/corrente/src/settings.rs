//! The configuration of a server: one TOML file, `CORRENTE_…` variables over it, flags over both.
//!
//! One struct per concern. The doc comments are the reference page (`docs/configuration.md`), which a
//! test keeps equal to them.

mod overlay;
mod reference;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{failure::Failure, toml_file};

pub(crate) use overlay::Overlay;
pub(crate) use reference::example;

/// Everything that can be set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    pub(crate) server: ServerSettings,
    pub(crate) tls: TlsSettings,
    pub(crate) lab: LabSettings,
    pub(crate) clock: ClockSettings,
    pub(crate) organisation: OrganisationSettings,
    pub(crate) limits: LimitSettings,
    pub(crate) ledger: LedgerSettings,
    pub(crate) mail: MailSettings,
    pub(crate) log: LogSettings,
    pub(crate) traces: TraceSettings,
}

/// Where the server keeps its data and where it listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServerSettings {
    /// The data directory. It is made when it is missing, and one server uses it at a time.
    pub(crate) data: PathBuf,
    /// Address and port for everything: meters, REST, portal. Port 0 takes any free one.
    #[schemars(with = "String")]
    pub(crate) listen: SocketAddr,
    /// Lets people sign in over plain HTTP from other machines. Passwords and consumption then travel
    /// readable: for a bench, or behind a proxy that is not on this machine.
    pub(crate) insecure_http: bool,
    /// A proxy in front of this server ends TLS: cookies are marked as secure.
    pub(crate) behind_tls: bool,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            data: PathBuf::from("corrente-data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 4005)),
            insecure_http: false,
            behind_tls: false,
        }
    }
}

/// A certificate of one's own. Both files are read again on SIGHUP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TlsSettings {
    /// Certificate chain in PEM.
    pub(crate) cert: Option<PathBuf>,
    /// Its private key in PEM.
    pub(crate) key: Option<PathBuf>,
}

/// Lab mode: the prototype's own protocol, in which nothing is authenticated. For a class room or a
/// bench.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LabSettings {
    /// Answers the prototype's meters and pages.
    pub(crate) enabled: bool,
    /// Networks that may use it beside this machine itself, for example 192.168.1.0/24.
    #[schemars(with = "Vec<String>")]
    pub(crate) allow: Vec<IpNet>,
    /// Zone of the civil times that the prototype's meters send.
    pub(crate) zone: String,
}

impl Default for LabSettings {
    fn default() -> Self {
        Self { enabled: false, allow: Vec::new(), zone: "America/Bahia".to_owned() }
    }
}

/// Business time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ClockSettings {
    /// Simulates business time: START@FACTOR, for example 2026-01-01T00:00:00Z@60 (a minute a second).
    /// The choice is kept in the data directory, and one that has run in real time refuses it.
    pub(crate) simulate: Option<String>,
}

/// The organisation that an empty data directory gets. Later changes happen in the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OrganisationSettings {
    /// Its name.
    pub(crate) name: String,
    /// Zone of its usage points, an IANA name.
    pub(crate) zone: String,
    /// Address with which the first administrator signs in; the link for the password is printed at
    /// the start of a server that has none.
    pub(crate) administrator: String,
}

impl Default for OrganisationSettings {
    fn default() -> Self {
        Self {
            name: "Corrente".to_owned(),
            zone: "America/Bahia".to_owned(),
            administrator: "admin@localhost".to_owned(),
        }
    }
}

/// What the server puts up with from the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LimitSettings {
    /// Connections in all.
    pub(crate) connections: u32,
    /// Connections of one address (of one /64 for IPv6).
    pub(crate) connections_per_address: u32,
    /// Of these, connections that have not yet said who they are.
    pub(crate) strangers_per_address: u32,
    /// Readings a second that one connection may send in the long run; above, reading waits.
    pub(crate) readings_per_second: u32,
    /// Readings that one connection may send at once before that.
    pub(crate) readings_burst: u32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            connections: 100_000,
            connections_per_address: 4096,
            strangers_per_address: 512,
            readings_per_second: 100_000,
            readings_burst: 200_000,
        }
    }
}

/// How readings are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LedgerSettings {
    /// Milliseconds that a group of readings waits for more before it is committed, when many meters
    /// report at the same time (1 to 1000).
    pub(crate) group_milliseconds: u32,
    /// Memory in MiB for the readings of open days; above it, the oldest day is written into blocks.
    pub(crate) window_mib: u32,
}

impl Default for LedgerSettings {
    fn default() -> Self {
        Self { group_milliseconds: 4, window_mib: 1536 }
    }
}

/// Messages to customers. Without a host no e-mail is sent, and it waits in the portal alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MailSettings {
    /// Name or address of the SMTP server.
    pub(crate) host: Option<String>,
    /// Its port: usually 587 for starttls, 465 for tls, 25 for none.
    pub(crate) port: u16,
    /// How the connection is protected.
    pub(crate) security: MailSecurity,
    /// User, where the server asks for one.
    pub(crate) user: Option<String>,
    /// A file whose first line is the password: it stays out of process lists and of this file.
    pub(crate) password_file: Option<PathBuf>,
    /// Who the messages come from: Name <address@example.org>.
    pub(crate) from: String,
    /// Address of the portal for links in messages, for example https://luz.example.org.
    pub(crate) portal: String,
    /// Lets webhooks, gateways and push services be on this machine or in its network, over plain HTTP.
    /// Only where everybody who signs in may reach that network anyway: a server at home.
    pub(crate) private_targets: bool,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            host: None,
            port: 587,
            security: MailSecurity::StartTls,
            user: None,
            password_file: None,
            from: "Corrente <corrente@localhost>".to_owned(),
            portal: "http://localhost:4005".to_owned(),
            private_targets: false,
        }
    }
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MailSecurity {
    /// Not at all: for a server on this machine.
    None,
    /// By STARTTLS, which is required.
    StartTls,
    /// By TLS from the first byte.
    Tls,
}

/// What is written to standard error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LogSettings {
    /// Least severe level that is logged, also by target: info, or warn,corrente_headend=debug.
    pub(crate) level: String,
    /// Lines for people or for programs.
    pub(crate) format: LogFormat,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text }
    }
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Traces by OTLP: how long requests, group commits, billing runs and messages took, for a collector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TraceSettings {
    /// Where they are sent, as protobuf over HTTP: http://127.0.0.1:4318/v1/traces. Without it there are none.
    pub(crate) endpoint: Option<String>,
    /// How many of a hundred traces are sent.
    pub(crate) sample_percent: u32,
}

impl Default for TraceSettings {
    fn default() -> Self {
        Self { endpoint: None, sample_percent: 10 }
    }
}

impl Settings {
    /// The file, where one is given, with the variables and then `flags` laid over it.
    pub(crate) fn load(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
        flags: Overlay,
    ) -> Result<Self, Failure> {
        let mut table = match file {
            None => toml::Table::new(),
            Some(path) => {
                // Once as it stands, so that a mistake is said with its line.
                let _: Self = toml_file::read(path)?;
                toml_file::read(path)?
            }
        };
        Overlay::from_variables(variables)?.lay_over(&mut table);
        flags.lay_over(&mut table);
        let settings: Self = table.try_into().map_err(|error: toml::de::Error| {
            Failure::of("configuration", toml_file::explain(error.message()))
        })?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), Failure> {
        let wrong =
            |key: &str, said: &str| Err(Failure::new(format!("configuration: {key} {said}")));
        if self.tls.cert.is_some() != self.tls.key.is_some() {
            return wrong("tls.cert and tls.key", "belong together: give both or neither");
        }
        if !(1..=1000).contains(&self.ledger.group_milliseconds) {
            return wrong(
                "ledger.group_milliseconds",
                &format!("is {}: it must be from 1 to 1000", self.ledger.group_milliseconds),
            );
        }
        if self.traces.sample_percent > 100 {
            return wrong(
                "traces.sample_percent",
                &format!("is {}: it must be from 0 to 100", self.traces.sample_percent),
            );
        }
        if let Some(endpoint) = &self.traces.endpoint
            && !(endpoint.starts_with("http://") || endpoint.starts_with("https://"))
        {
            return wrong(
                "traces.endpoint",
                &format!(
                    "is `{endpoint}`: a web address like http://127.0.0.1:4318/v1/traces is expected"
                ),
            );
        }
        for (key, zone) in
            [("lab.zone", &self.lab.zone), ("organisation.zone", &self.organisation.zone)]
        {
            if let Err(error) = corrente_metering::Calendar::new(zone) {
                return wrong(key, &format!("is wrong: {error}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, variables: &[(&str, &str)], flags: Overlay) -> Result<Settings, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("corrente.toml");
        std::fs::write(&path, text).unwrap();
        let variables =
            variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Settings::load(Some(&path), variables, flags).map_err(|failure| failure.to_string())
    }

    #[test]
    fn variables_go_over_the_file_and_flags_over_both() {
        let file = "[server]\nlisten = \"127.0.0.1:1\"\ndata = \"a\"\n[limits]\nconnections = 7\n";
        let variables = [
            ("CORRENTE_SERVER_LISTEN", "127.0.0.1:2"),
            ("CORRENTE_LISTEN", "127.0.0.1:2"),
            ("CORRENTE_LAB_ALLOW", "10.0.0.0/8, 192.168.0.0/16"),
            ("CORRENTE_LIMITS_CONNECTIONS", "9"),
            ("CORRENTE_INSECURE_HTTP", "true"),
            ("PATH", "/bin"),
        ];
        let mut flags = Overlay::default();
        flags.set("server.data", "c");
        let settings = load(file, &variables, flags).unwrap();
        assert_eq!(settings.server.listen.port(), 2);
        assert_eq!(settings.server.data, Path::new("c"));
        assert_eq!((settings.limits.connections, settings.lab.allow.len()), (9, 2));
        assert!(settings.server.insecure_http);
    }

    #[test]
    fn a_mistake_is_said_with_key_value_and_what_is_allowed() {
        for (file, variables, said) in [
            (
                "[server]\nlissten = \"x\"\n",
                &[][..],
                "line 2: unknown key `lissten`: did you mean `listen`",
            ),
            ("[sever]\n", &[], "unknown key `sever`: did you mean `server`"),
            ("[server]\nlisten = \"here\"\n", &[], "line 2: "),
            ("[limits]\nconnections = -1\n", &[], "expected u32"),
            ("[mail]\nsecurity = \"ssl\"\n", &[], "expected one of `none`, `starttls`, `tls`"),
            ("[tls]\ncert = \"a.pem\"\n", &[], "tls.cert and tls.key belong together"),
            ("[lab]\nzone = \"Feira\"\n", &[], "lab.zone is wrong: `Feira` is not a time zone"),
            ("[ledger]\ngroup_milliseconds = 0\n", &[], "from 1 to 1000"),
            ("[traces]\nsample_percent = 101\n", &[], "from 0 to 100"),
            ("[traces]\nendpoint = \"collector:4318\"\n", &[], "a web address like"),
            (
                "",
                &[("CORRENTE_LIMITS_CONNECTIONS", "many")],
                "CORRENTE_LIMITS_CONNECTIONS is `many`: a whole number is expected",
            ),
            (
                "",
                &[("CORRENTE_SERVER_LISTN", "x")],
                "CORRENTE_SERVER_LISTN is no setting: did you mean `CORRENTE_SERVER_LISTEN`",
            ),
        ] {
            let error = load(file, variables, Overlay::default()).unwrap_err();
            assert!(error.contains(said), "{file:?} {variables:?}: {error}");
        }
    }
}
