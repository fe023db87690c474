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
use overlay::{WrongValue, wrong_value};
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
    #[schemars(
        with = "String",
        extend("x-expected" = "an address with a port, for example 127.0.0.1:4005")
    )]
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
    /// Networks that may use it beside this machine itself, for example 192.168.1.0/24. With
    /// server.behind_tls there is no "beside": everybody comes through the proxy, so name its address,
    /// for example 127.0.0.1/32, if all of them may.
    #[schemars(
        with = "Vec<String>",
        extend("x-expected" = "a list of networks, each for example 192.168.1.0/24")
    )]
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
    #[schemars(range(min = 1))]
    pub(crate) connections: u32,
    /// Connections of one address (of one /64 for IPv6).
    #[schemars(range(min = 1))]
    pub(crate) connections_per_address: u32,
    /// Of these, connections that have not yet said who they are.
    #[schemars(range(min = 1))]
    pub(crate) strangers_per_address: u32,
    /// Readings a second that one connection may send in the long run; above, reading waits.
    #[schemars(range(min = 1))]
    pub(crate) readings_per_second: u32,
    /// Readings that one connection may send at once before that.
    #[schemars(range(min = 1))]
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
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) group_milliseconds: u32,
    /// Memory in MiB for the readings of open days; above it, the oldest day is written into blocks.
    #[schemars(range(min = 1))]
    pub(crate) window_mib: u32,
    /// Hours for which the power that meters say (`w`) is kept: for the last hour of the live page after
    /// a restart. 0 keeps none. Energy is kept for ever.
    pub(crate) power_hours: u32,
}

impl Default for LedgerSettings {
    fn default() -> Self {
        Self { group_milliseconds: 4, window_mib: 1536, power_hours: 48 }
    }
}

/// Messages to customers. Without a host no e-mail is sent, and it waits in the portal alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MailSettings {
    /// Name or address of the SMTP server.
    pub(crate) host: Option<String>,
    /// Its port: usually 587 for starttls, 465 for tls, 25 for none.
    #[schemars(range(min = 1))]
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
            Some(path) => Self::file(path)?,
        };
        Overlay::from_variables(variables)?.lay_over(&mut table)?;
        flags.lay_over(&mut table)?;
        let settings: Self = table.try_into().map_err(|error: toml::de::Error| {
            Failure::of("configuration", toml_file::explain(error.message()))
        })?;
        settings.check()?;
        Ok(settings)
    }

    /// The file as a table in which every value can stand where it does.
    fn file(path: &Path) -> Result<toml::Table, Failure> {
        let text = toml_file::text(path)?;
        let named = |said: String| Failure::of(path.display(), said);
        let table: toml::Table = toml_file::parse(&text).map_err(named)?;
        if let Some(WrongValue { place, failure }) = wrong_value(&table) {
            let line = toml_file::line_of(&text, &place);
            return Err(named(format!("line {line}: {failure}")));
        }
        // Once more as a whole, for what nobody knows.
        let _: Self = toml_file::parse(&text).map_err(named)?;
        Ok(table)
    }

    fn check(&self) -> Result<(), Failure> {
        let wrong =
            |key: &str, said: &str| Err(Failure::new(format!("configuration: {key} {said}")));
        if self.tls.cert.is_some() != self.tls.key.is_some() {
            return wrong("tls.cert and tls.key", "belong together: give both or neither");
        }
        if self.lab.enabled && self.server.behind_tls && self.lab.allow.is_empty() {
            return wrong(
                "lab.enabled with server.behind_tls",
                "opens lab mode to everybody who comes through the proxy, and nothing in it is \
                 authenticated: leave lab mode off, or name the proxy's address in lab.allow (for \
                 example 127.0.0.1/32)",
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
            ("server = 3\n", &[], "line 1: server is `3`: expected a section, [server]"),
            (
                "[log]\n[server]\n\nlisten = \"here\"\n",
                &[],
                "line 4: server.listen is `here`: expected an address with a port, for example 127.0.0.1:4005",
            ),
            ("[server]\nlisten = 5\n", &[], "line 2: server.listen is `5`: expected an address"),
            ("[server]\ndata = 5\n", &[], "line 2: server.data is `5`: expected a text"),
            (
                "[server]\nbehind_tls = \"maybe\"\n",
                &[],
                "server.behind_tls is `maybe`: expected true or false",
            ),
            (
                "[lab]\nallow = [\"10.0.0.0/8\", \"10.0.0.0/99\"]\n",
                &[],
                r#"lab.allow is `["10.0.0.0/8", "10.0.0.0/99"]`: expected a list of networks"#,
            ),
            (
                "[limits]\nconnections = -1\n",
                &[],
                "line 2: limits.connections is `-1`: expected a whole number from 1 to 4294967295",
            ),
            ("[limits]\nconnections = 0\n", &[], "limits.connections is `0`: expected a whole"),
            ("[limits]\nconnections_per_address = 0\n", &[], "connections_per_address is `0`"),
            ("[limits]\nstrangers_per_address = 0\n", &[], "strangers_per_address is `0`"),
            ("[limits]\nreadings_per_second = 0\n", &[], "readings_per_second is `0`"),
            ("[limits]\nreadings_burst = 0\n", &[], "limits.readings_burst is `0`"),
            ("[ledger]\nwindow_mib = 0\n", &[], "ledger.window_mib is `0`"),
            (
                "[mail]\nport = 70000\n",
                &[],
                "mail.port is `70000`: expected a whole number from 1 to 65535",
            ),
            (
                "[mail]\nsecurity = \"ssl\"\n",
                &[],
                "mail.security is `ssl`: expected one of `none`, `starttls`, `tls`",
            ),
            (
                "[log]\nformat = \"xml\"\n",
                &[],
                "log.format is `xml`: expected one of `text`, `json`",
            ),
            ("[tls]\ncert = \"a.pem\"\n", &[], "tls.cert and tls.key belong together"),
            ("[lab]\nzone = \"Feira\"\n", &[], "lab.zone is wrong: `Feira` is not a time zone"),
            (
                "[server]\nbehind_tls = true\n[lab]\nenabled = true\n",
                &[],
                "leave lab mode off, or name the proxy's address in lab.allow",
            ),
            (
                "[ledger]\ngroup_milliseconds = 1001\n",
                &[],
                "ledger.group_milliseconds is `1001`: expected a whole number from 1 to 1000",
            ),
            (
                "",
                &[("CORRENTE_SERVER_LISTEN", "here")],
                "the variable CORRENTE_SERVER_LISTEN is `here`: expected an address with a port",
            ),
            (
                "",
                &[("CORRENTE_LISTEN", "4005")],
                "the variable CORRENTE_LISTEN is `4005`: expected an",
            ),
            ("[traces]\nsample_percent = 101\n", &[], "from 0 to 100"),
            ("[traces]\nendpoint = \"collector:4318\"\n", &[], "a web address like"),
            (
                "",
                &[("CORRENTE_LIMITS_CONNECTIONS", "many")],
                "the variable CORRENTE_LIMITS_CONNECTIONS is `many`: expected a whole number from 1",
            ),
            (
                "",
                &[("CORRENTE_LIMITS_READINGS_BURST", "0")],
                "READINGS_BURST is `0`: expected a whole",
            ),
            (
                "",
                &[("CORRENTE_LAB_ENABLED", "perhaps")],
                "CORRENTE_LAB_ENABLED is `perhaps`: expected true",
            ),
            ("", &[("CORRENTE_LAB_ALLOW", "home")], "is `[\"home\"]`: expected a list of networks"),
            (
                "",
                &[("CORRENTE_MAIL_SECURITY", "ssl")],
                "CORRENTE_MAIL_SECURITY is `ssl`: expected one of",
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

    #[test]
    fn lab_mode_behind_a_proxy_names_who_may_use_it() {
        let file =
            "[server]\nbehind_tls = true\n[lab]\nenabled = true\nallow = [\"127.0.0.1/32\"]\n";
        assert!(load(file, &[], Overlay::default()).unwrap().lab.enabled);
    }
}
