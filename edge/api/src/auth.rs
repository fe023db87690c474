//! Who calls, and whether they may.
//!
//! A handler names what it needs as an argument: [`Viewer`], [`CurrentUser`], [`Operator`], [`Admin`],
//! or [`OwnUsagePoint`] for the usage point in its path. Without one of them it is open to anyone, and
//! must say so in the document.

pub(crate) mod attempts;
pub(crate) mod cookie;
mod cross_site;

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, RawPathParams};
use corrente_metering::{
    Timestamp,
    id::{OrganisationId, UsagePointId},
};
use corrente_registry::{
    RegistryError, Tx, api_tokens,
    api_tokens::Scope,
    sessions,
    usage_points::{self, UsagePoint},
    users::{self, Role, User},
};
use http::{Method, header, request::Parts};

pub(crate) use self::cross_site::refuse_cross_site;
use crate::{Api, Code, Problem};

/// A customer's session ends after 30 days without use.
pub(crate) const CUSTOMER_SECONDS: i64 = 30 * 86_400;
/// An operator's session ends 12 hours after signing in, used or not.
pub(crate) const OPERATOR_SECONDS: i64 = 12 * 3600;
/// How precisely the last use is recorded, so that reading a page does not write each time.
const TOUCH_SECONDS: i64 = 300;

/// Who calls.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one per request, and nearly always the large one")]
pub enum Identity {
    /// A user, by session or by token.
    User {
        /// The user.
        user: User,
        /// What a token allows; nothing for a session.
        token: Option<api_tokens::ApiToken>,
        /// The session; nothing for a token.
        session: Option<sessions::Session>,
    },
    /// Whoever knows the number of a lab meter.
    Lab {
        /// Its usage point.
        usage_point: UsagePointId,
        /// The session.
        session: sessions::Session,
    },
}

impl Identity {
    /// The organisation.
    pub fn organisation(&self) -> OrganisationId {
        match self {
            Self::User { user, .. } => user.organisation,
            Self::Lab { session, .. } => session.organisation,
        }
    }

    /// The name under which the audit log knows the caller.
    pub fn actor(&self) -> String {
        match self {
            Self::User { token: Some(token), .. } => format!("token:{}", token.id),
            Self::User { user, .. } => format!("user:{}", user.id),
            Self::Lab { .. } => "lab".to_owned(),
        }
    }

    /// The usage point, if this caller may see it.
    pub fn sees(&self, tx: &mut Tx, id: UsagePointId) -> Result<Option<UsagePoint>, RegistryError> {
        match self {
            Self::User { user, .. } => usage_points::visible_to(tx, user, id),
            Self::Lab { usage_point, .. } if *usage_point == id => usage_points::get(tx, id),
            Self::Lab { .. } => Ok(None),
        }
    }

    /// The usage points that this caller may see.
    pub fn usage_points(&self, tx: &mut Tx) -> Result<Vec<UsagePoint>, RegistryError> {
        match self {
            Self::User { user, .. } => usage_points::list_for_user(tx, user),
            Self::Lab { usage_point, .. } => {
                Ok(usage_points::get(tx, *usage_point)?.into_iter().collect())
            }
        }
    }
}

/// Whoever is signed in, or in a lab session.
#[derive(Clone, Debug)]
pub struct Viewer(pub Identity);

/// Whoever is signed in with an account.
#[derive(Clone, Debug)]
pub struct CurrentUser {
    /// The user.
    pub user: User,
    /// How the user came.
    pub identity: Identity,
}

/// An operator or administrator.
#[derive(Clone, Debug)]
pub struct Operator(pub CurrentUser);

/// An administrator.
#[derive(Clone, Debug)]
pub struct Admin(pub CurrentUser);

/// The usage point `id` of the path, which the caller may see.
#[derive(Clone, Debug)]
pub struct OwnUsagePoint {
    /// The usage point.
    pub point: UsagePoint,
    /// Who asks.
    pub identity: Identity,
}

impl FromRequestParts<Api> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        if let Some(known) = parts.extensions.get::<Identity>() {
            return Ok(Self(known.clone()));
        }
        let identity = identify(parts, api)
            .await?
            .ok_or_else(|| Problem::new(Code::SignedOut, "Sign in first."))?;
        allow_method(&identity, &parts.method)?;
        parts.extensions.insert(identity.clone());
        Ok(Self(identity))
    }
}

impl FromRequestParts<Api> for CurrentUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let Viewer(identity) = Viewer::from_request_parts(parts, api).await?;
        let Identity::User { user, .. } = &identity else {
            let detail = "A lab session sees its own meter only: sign in with an account.";
            return Err(Problem::new(Code::Forbidden, detail));
        };
        Ok(Self { user: user.clone(), identity })
    }
}

impl FromRequestParts<Api> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let caller = at_least(parts, api, Role::Operator).await?;
        Ok(Self(caller))
    }
}

impl FromRequestParts<Api> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let caller = at_least(parts, api, Role::Admin).await?;
        Ok(Self(caller))
    }
}

async fn at_least(parts: &mut Parts, api: &Api, role: Role) -> Result<CurrentUser, Problem> {
    let caller = CurrentUser::from_request_parts(parts, api).await?;
    if caller.user.role < role {
        let detail = format!("This is for the role {}.", role.word());
        return Err(Problem::new(Code::Forbidden, detail));
    }
    if let Identity::User { token: Some(token), .. } = &caller.identity
        && token.scope < Scope::Admin
    {
        return Err(Problem::new(Code::Forbidden, "This needs a token of scope admin."));
    }
    Ok(caller)
}

impl FromRequestParts<Api> for OwnUsagePoint {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let Viewer(identity) = Viewer::from_request_parts(parts, api).await?;
        let unknown = || Problem::not_found("usage point");
        let path = RawPathParams::from_request_parts(parts, api).await.map_err(|_| unknown())?;
        let id: UsagePointId = path
            .iter()
            .find(|(name, _)| *name == "id")
            .and_then(|(_, value)| value.parse().ok())
            .ok_or_else(unknown)?;
        let point = api.visible_usage_point(&identity, id).await?;
        Ok(Self { point, identity })
    }
}

impl Api {
    /// The usage point, if this caller may see it; else the answer to give.
    pub async fn visible_usage_point(
        &self,
        identity: &Identity,
        id: UsagePointId,
    ) -> Result<UsagePoint, Problem> {
        let identity = identity.clone();
        self.registry()
            .read(move |tx| identity.sees(tx, id))
            .await?
            .ok_or_else(|| Problem::not_found("usage point"))
    }
}

/// Finds out who calls: by token if there is one, else by session.
async fn identify(parts: &Parts, api: &Api) -> Result<Option<Identity>, Problem> {
    let now = corrente_clock::wall_clock();
    if let Some(authorization) = parts.headers.get(header::AUTHORIZATION) {
        let invalid = || {
            Problem::new(
                Code::InvalidToken,
                "The Authorization header must be `Bearer` and a token that is valid.",
            )
        };
        let token = authorization
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim().to_owned())
            .ok_or_else(invalid)?;
        let found = api.registry().read(move |tx| api_tokens::find(tx, &token, now)).await?;
        let (token, user) = found.ok_or_else(invalid)?;
        return Ok(Some(Identity::User { user, token: Some(token), session: None }));
    }
    let Some(cookie) = cookie::session(parts) else { return Ok(None) };
    let found = api.registry().read(move |tx| by_session(tx, &cookie, now)).await?;
    // A session that began in lab mode ends with it, and does not travel to where it is not allowed.
    let found = found.filter(|identity| match identity {
        Identity::User { .. } => true,
        Identity::Lab { .. } => api
            .lab()
            .is_some_and(|lab| peer(&parts.extensions).is_some_and(|peer| lab.allows(peer))),
    });
    if let Some(identity) = &found {
        touch(api, identity, now).await?;
    }
    Ok(found)
}

pub(crate) fn by_session(
    tx: &mut Tx,
    cookie: &str,
    now: Timestamp,
) -> Result<Option<Identity>, RegistryError> {
    let Some(session) = sessions::find(tx, cookie, now)? else { return Ok(None) };
    Ok(match (session.user, session.lab_usage_point) {
        (Some(user), _) => users::get(tx, user)?
            .filter(|user| user.disabled.is_none())
            .map(|user| Identity::User { user, token: None, session: Some(session) }),
        (None, Some(usage_point)) => Some(Identity::Lab { usage_point, session }),
        (None, None) => None,
    })
}

/// Moves the end of a customer's session, at most every few minutes.
async fn touch(api: &Api, identity: &Identity, now: Timestamp) -> Result<(), Problem> {
    let (session, slides) = match identity {
        Identity::User { user, session: Some(session), .. } => {
            (session, user.role == Role::Customer)
        }
        Identity::Lab { session, .. } => (session, true),
        Identity::User { session: None, .. } => return Ok(()),
    };
    if now.since(session.seen) < TOUCH_SECONDS {
        return Ok(());
    }
    let id = session.id.clone();
    let expires = if slides { now.plus(CUSTOMER_SECONDS) } else { session.expires };
    api.registry().write(move |tx| sessions::touch(tx, &id, now, expires)).await?;
    Ok(())
}

/// A token that may only read changes nothing.
fn allow_method(identity: &Identity, method: &Method) -> Result<(), Problem> {
    match identity {
        Identity::User { token: Some(token), .. }
            if token.scope == Scope::Read && !method.is_safe() =>
        {
            Err(Problem::new(Code::Forbidden, "This token may only read."))
        }
        Identity::User { .. } | Identity::Lab { .. } => Ok(()),
    }
}

/// The address at the other end of the connection.
pub(crate) fn peer(extensions: &http::Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| match address.ip() {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4),
        v4 @ IpAddr::V4(_) => v4,
    })
}
