//! Requests to addresses that people typed.
//!
//! Such an address must not become a way into the server's own network: names are resolved here and
//! private addresses are refused, redirects are not followed, and everything has an end in time.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use reqwest::{
    Certificate, Client, RequestBuilder, StatusCode, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};

use crate::DeliveryError;

const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(10);

/// Makes requests to addresses that people typed.
#[derive(Clone, Debug)]
pub struct Outbound {
    client: Client,
    private: bool,
}

/// An address that nothing is sent to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no URL.
    #[error("`{0}` is no web address: write it like https://example.org/hook")]
    NotAUrl(String),
    /// It is not encrypted.
    #[error("use https: what is told about a home must not travel readable")]
    NotHttps,
    /// It carries a user name or password.
    #[error("leave the user name and password out of the address; a gateway has a header for them")]
    Credentials,
    /// It is on this machine or in its network.
    #[error("{0} is an address of the server's own network, where nothing is sent")]
    Private(String),
}

impl Outbound {
    /// `private` lets it reach this machine and its network over plain HTTP: for a demo, a test, or a
    /// server at home.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(private: bool) -> Result<Self, reqwest::Error> {
        Self::with_timeout(private, WHOLE)
    }

    /// With another limit of time than the usual ten seconds.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn with_timeout(private: bool, timeout: Duration) -> Result<Self, reqwest::Error> {
        let client = http_client()?
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(timeout)
            .no_proxy()
            .dns_resolver(Arc::new(PublicNames { private }))
            .build()?;
        Ok(Self { client, private })
    }

    /// The address, if something may be sent to it.
    ///
    /// # Errors
    /// When it is no URL, not encrypted, or private.
    pub fn check(address: &str, private: bool) -> Result<Url, AddressError> {
        let url = Url::parse(address.trim())
            .ok()
            .filter(|url| url.has_host() && matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| AddressError::NotAUrl(address.to_owned()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        if private {
            return Ok(url);
        }
        if url.scheme() != "https" {
            return Err(AddressError::NotHttps);
        }
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let inner = host.parse::<IpAddr>().is_ok_and(|address| !is_public(address));
        if inner || host.eq_ignore_ascii_case("localhost") || host.ends_with(".localhost") {
            return Err(AddressError::Private(host.to_owned()));
        }
        Ok(url)
    }

    /// A request to the address.
    pub(crate) fn request(
        &self,
        method: reqwest::Method,
        address: &str,
    ) -> Result<RequestBuilder, DeliveryError> {
        let url = Self::check(address, self.private)
            .map_err(|error| DeliveryError::Never(error.to_string()))?;
        Ok(self.client.request(method, url))
    }
}

/// The certificates that come with the program, beside those of the machine: a small image has none, and
/// without any there would be no client and no server.
fn own_roots() -> Result<Vec<Certificate>, reqwest::Error> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .map(|root| Certificate::from_der(root))
        .collect()
}

/// What a client of this program begins with: it trusts the authorities of this machine and those that come
/// with the program.
///
/// # Errors
/// When the certificates in the program cannot be read.
pub fn http_client() -> Result<reqwest::ClientBuilder, reqwest::Error> {
    let agent = concat!("corrente/", env!("CARGO_PKG_VERSION"));
    Ok(Client::builder().user_agent(agent).tls_certs_merge(own_roots()?))
}

/// Sends the request. A success is 2xx; what the other side will never take is told apart from what may
/// work later.
pub(crate) async fn send(request: RequestBuilder) -> Result<(), DeliveryError> {
    let response = request.send().await.map_err(|error| DeliveryError::Later(reason(&error)))?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let said = format!("the other side answered {status}");
    Err(match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => DeliveryError::Gone(said),
        // A key that is being changed, or a guard before the receiver, may let it in later; who stays
        // shut is paused soon enough.
        StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::CONFLICT
        | StatusCode::TOO_MANY_REQUESTS
        | StatusCode::TOO_EARLY => DeliveryError::Later(said),
        _ if status.is_redirection() => DeliveryError::Never(format!(
            "{said}: redirects are not followed, use the last address"
        )),
        _ if status.is_client_error() => DeliveryError::Never(said),
        _ => DeliveryError::Later(said),
    })
}

/// The error with its causes, without the address, which may carry a secret.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut text = String::from("not reached");
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text.replace(['\r', '\n'], " ")
}

/// Resolves names to public addresses alone.
#[derive(Debug)]
struct PublicNames {
    private: bool,
}

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0))
                .await?
                .filter(|address| private || is_public(address.ip()))
                .collect();
            if found.is_empty() {
                return Err(Box::new(AddressError::Private(name))
                    as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Is this an address of the open internet?
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocols = a == 192 && b == 0 && c == 0;
    let benchmarks = a == 198 && (b == 18 || b == 19);
    !(v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_documentation()
        || v4.is_multicast()
        || a == 0
        || a >= 240
        || shared
        || protocols
        || benchmarks)
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    if let Some(v4) = v6.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    // Global unicast is 2000::/3; of it 2001::/23 is for protocols, 2001:db8::/32 for documents, and
    // 2002::/16 and 64:ff9b::/96 carry an IPv4 address of anybody's choice.
    let [first, second, ..] = v6.segments();
    let global = first & 0xe000 == 0x2000;
    let protocols = first == 0x2001 && (second < 0x0200 || second == 0x0db8);
    global && !protocols && first != 0x2002
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_open_internet_over_https() {
        let outcome = |address: &str| Outbound::check(address, false).map(|url| url.to_string());
        for good in
            ["https://example.org/hook", "https://93.184.216.34/x", "https://[2606:4700::1]/"]
        {
            assert_eq!(outcome(good), Ok(good.to_owned()));
        }
        for (address, error) in [
            ("example.org", AddressError::NotAUrl("example.org".to_owned())),
            ("ftp://example.org/", AddressError::NotAUrl("ftp://example.org/".to_owned())),
            ("http://example.org/", AddressError::NotHttps),
            ("https://ana:secret@example.org/", AddressError::Credentials),
            ("https://localhost/", AddressError::Private("localhost".to_owned())),
            ("https://127.1/", AddressError::Private("127.0.0.1".to_owned())),
            ("https://0x7f000001/", AddressError::Private("127.0.0.1".to_owned())),
            ("https://169.254.169.254/", AddressError::Private("169.254.169.254".to_owned())),
            ("https://10.0.0.8/", AddressError::Private("10.0.0.8".to_owned())),
            ("https://100.64.0.1/", AddressError::Private("100.64.0.1".to_owned())),
            ("https://[::1]/", AddressError::Private("::1".to_owned())),
            ("https://[fd00::1]/", AddressError::Private("fd00::1".to_owned())),
            ("https://[::ffff:10.0.0.8]/", AddressError::Private("::ffff:a00:8".to_owned())),
        ] {
            assert_eq!(outcome(address), Err(error), "{address}");
        }
        assert!(Outbound::check("http://127.0.0.1:9000/hook", true).is_ok());
    }

    #[tokio::test]
    async fn a_name_that_leads_into_the_own_network_is_not_reached() {
        let outbound = Outbound::new(false).unwrap();
        // The name is no address, so that only its resolution can tell.
        let url = "https://ip6-localhost.:1/";
        let request = outbound.client.get(url);
        let Err(DeliveryError::Later(why)) = send(request).await else { panic!("it was reached") };
        assert!(why.starts_with("not reached"), "{why}");
    }
}
