//! An import into a running server, over its API.

use corrente_mdm::import::{Against, RefusedChannel, Stored};
use serde::Deserialize;

use super::ImportArguments;
use crate::{
    failure::Failure,
    remote::{Remote, encoded},
};

/// A server that takes files, and how it is to take them.
pub(super) struct RemoteImport {
    server: Remote,
    query: String,
}

/// What the server says of a file.
#[derive(Debug, Deserialize)]
pub(super) struct Answered {
    pub(super) stored: Option<Stored>,
    #[serde(default)]
    pub(super) refused: Vec<RefusedChannel>,
    #[serde(default)]
    pub(super) against: Vec<Against>,
}

impl RemoteImport {
    pub(super) fn new(server: Remote, arguments: &ImportArguments, map: Option<String>) -> Self {
        let mut query = String::new();
        let mut add = |name: &str, value: &str| {
            query.push('&');
            query.push_str(name);
            query.push('=');
            query.push_str(&encoded(value));
        };
        for (name, value) in [
            ("meter", arguments.meter.as_deref()),
            ("usage_point", arguments.usage_point.as_deref()),
            ("map", map.as_deref()),
        ] {
            if let Some(value) = value {
                add(name, value);
            }
        }
        for (name, set) in [
            ("create", arguments.create),
            ("keep_going", arguments.keep_going),
            ("dry_run", arguments.dry_run),
        ] {
            if set {
                add(name, "true");
            }
        }
        Self { server, query }
    }

    pub(super) fn import(&self, bytes: &[u8], name: &str) -> Result<Answered, Failure> {
        let path = format!("/admin/readings/import?file={}{}", encoded(name), self.query);
        self.server.post_bytes(&path, bytes).map_err(|said| Failure::of(name, said))
    }
}
