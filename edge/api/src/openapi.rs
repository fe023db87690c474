//! The OpenAPI document: what the operations say of themselves, completed with what holds for all.

use serde_json::{Map, Value, json};
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use crate::{Api, ProblemDocument, access::Access, ops};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Corrente",
        description = "Electricity metering: usage, live power, invoices and alerts. Energy is a whole \
number of watt-hours, money a decimal string, time RFC 3339 with the usage point's offset; an unknown \
value is null beside its quality, and never zero."
    ),
    components(schemas(ProblemDocument))
)]
struct Base;

/// Every operation, under its full path.
pub(crate) fn operations() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(Base::openapi()).nest("/api/v1", ops::routes())
}

/// The OpenAPI 3.1 document, as committed in `openapi.json` and served at `/api/v1/openapi.json`.
pub fn document() -> Value {
    let (_, mut openapi) = operations().split_for_parts();
    openapi.openapi = utoipa::openapi::OpenApiVersion::Version31;
    let mut document = serde_json::to_value(&openapi).unwrap_or_default();
    complete(&mut document);
    document
}

/// Adds what holds for every operation: how to sign in, and what a refusal looks like.
fn complete(document: &mut Value) {
    if let Some(schemes) = document.pointer_mut("/components").and_then(Value::as_object_mut) {
        schemes.insert(
            "securitySchemes".to_owned(),
            json!({
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-sid"},
                "token": {"type": "http", "scheme": "bearer"},
            }),
        );
    }
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else { return };
    for operation in paths.values_mut().filter_map(Value::as_object_mut).flat_map(operations_of) {
        let access = operation
            .get("x-access")
            .and_then(Value::as_str)
            .and_then(Access::from_word)
            .unwrap_or(Access::Admin);
        let security = match access {
            Access::Public => json!([]),
            Access::Viewer | Access::User | Access::Operator | Access::Admin => {
                json!([{"session": []}, {"token": []}])
            }
        };
        operation.insert("security".to_owned(), security);
        if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
            responses.insert(
                "default".to_owned(),
                json!({
                    "description": "The request was refused; `code` says why.",
                    "content": {"application/problem+json": {
                        "schema": {"$ref": "#/components/schemas/Problem"}
                    }},
                }),
            );
        }
    }
}

fn operations_of(path: &mut Map<String, Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    path.iter_mut()
        .filter(|(method, _)| ["get", "put", "post", "patch", "delete"].contains(&method.as_str()))
        .filter_map(|(_, operation)| operation.as_object_mut())
}
