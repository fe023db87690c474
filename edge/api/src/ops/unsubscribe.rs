//! `GET`, `POST /unsubscribe`: the end of letters, from the letter itself and without signing in.
//!
//! Looking changes nothing, because programs look at every link of a letter; the button does, and so
//! does the mail program's own (RFC 8058).

use axum::{
    extract::State,
    response::{Html, IntoResponse, Response},
};
use corrente_registry::{
    RegistryError, organisations,
    preferences::{self, MailMode, Preference},
    users,
};
use http::{HeaderValue, header};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Api, Code, Params, Problem};

const POLICY: &str =
    "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(ask_unsubscribe, unsubscribe))
}

#[derive(Debug, Deserialize)]
struct Ask {
    token: Option<String>,
}

/// A page that asks whether the letters to this address shall end.
#[utoipa::path(
    get,
    path = "/unsubscribe",
    tag = "delivery",
    params(("token" = Option<String>, Query, description = "From the letter")),
    responses((status = 200, content_type = "text/html", body = String)),
    extensions(("x-access" = json!("public"))),
)]
async fn ask_unsubscribe(
    State(api): State<Api>,
    Params(ask): Params<Ask>,
) -> Result<Response, Problem> {
    let (email, token) = address(&api, &ask)?;
    let (email, token) = (escape(&email), escape(&token));
    Ok(page(&format!(
        "<h1>Corrente</h1><form method=\"post\" action=\"?token={token}\">\
         <p lang=\"pt-BR\">Parar de enviar avisos por e-mail para {email}?</p>\
         <p lang=\"en\">Send no more alerts by e-mail to {email}?</p>\
         <p lang=\"es\">¿No enviar más avisos por correo a {email}?</p>\
         <button>Parar · Stop · Detener</button></form>"
    )))
}

/// Ends the letters to the address of the token.
#[utoipa::path(
    post,
    path = "/unsubscribe",
    tag = "delivery",
    params(("token" = Option<String>, Query, description = "From the letter")),
    responses((status = 200, content_type = "text/html", body = String)),
    extensions(("x-access" = json!("public"))),
)]
async fn unsubscribe(
    State(api): State<Api>,
    Params(ask): Params<Ask>,
) -> Result<Response, Problem> {
    let (email, _) = address(&api, &ask)?;
    let now = api.clock().now();
    api.registry()
        .write(move |tx| -> Result<(), RegistryError> {
            let organisation = match users::by_email(tx, &email)? {
                Some(user) => Some(user.organisation),
                None => organisations::default_organisation(tx)?.map(|found| found.id),
            };
            let Some(organisation) = organisation else { return Ok(()) };
            let before = preferences::get(tx, &email)?;
            let after = Preference { mail: MailMode::Off, ..before };
            preferences::put(tx, organisation, &email, after, now)
        })
        .await?;
    Ok(page(
        "<h1>Corrente</h1><p lang=\"pt-BR\">Pronto: nenhum aviso por e-mail será enviado. Ligue de novo em \
         Ajustes.</p><p lang=\"en\">Done: no more alerts by e-mail. Switch them on again in Settings.</p>\
         <p lang=\"es\">Listo: no se enviarán más avisos por correo. Actívelos otra vez en Ajustes.</p>",
    ))
}

fn address(api: &Api, ask: &Ask) -> Result<(String, String), Problem> {
    let token = ask.token.clone().unwrap_or_default();
    let email = api.keys().unsubscribe_address(&token).ok_or_else(|| {
        let detail = "Use the link of the letter as it is, or switch e-mail off in Settings.";
        Problem::new(Code::InvalidCode, detail)
    })?;
    Ok((email, token))
}

fn page(content: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"pt-BR\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"robots\" content=\"noindex\">\
         <title>Corrente</title><main>{content}</main></html>"
    );
    let mut response = Html(html).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
