//! `/admin/price-series` and `/admin/index-values`: prices by interval for dynamic tariffs, and months of
//! indices for the correction of late payments.

use axum::{Json, extract::State};
use corrente_registry::{
    admin::{self, ImportRefusal},
    index_values,
    price_series::{self, Loaded},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Change, import::refused};
use crate::{Api, Body, Operator, Problem};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_price_series, load_price_series))
        .routes(routes!(list_index_values, load_index_values))
}

/// A CSV file to load.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PricesRequest {
    /// The series' or the index' name, as tariff files call it.
    name: String,
    /// The text of the file: for prices `start,price` and `end` where an interval does not end with the
    /// next one's start, instants with their offset; for an index `month,change`, the change a fraction.
    content: String,
}

/// What loading came to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LoadedDocument {
    /// Intervals or months that were not there.
    added: usize,
    /// Those with another value before.
    changed: usize,
    /// Those with this value before.
    same: usize,
}

impl From<Loaded> for LoadedDocument {
    fn from(loaded: Loaded) -> Self {
        Self { added: loaded.added, changed: loaded.changed, same: loaded.same }
    }
}

/// Price series.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PriceSeriesList {
    /// By name.
    series: Vec<PriceSeriesDocument>,
}

/// A price series in short.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PriceSeriesDocument {
    /// Its name.
    name: String,
    /// Where its first interval begins.
    from: String,
    /// Where its last interval ends.
    until: String,
    /// How many prices it has.
    prices: i64,
    /// When a price came or changed last.
    loaded: String,
}

/// Values of indices.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IndexList {
    /// By name and month.
    values: Vec<IndexDocument>,
}

/// What an index rose by in a month.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IndexDocument {
    /// The index.
    name: String,
    /// YYYY-MM.
    month: String,
    /// A fraction: 0.0044 for 0.44 %.
    change: String,
}

/// The organisation's price series.
#[utoipa::path(
    get,
    path = "/admin/price-series",
    tag = "admin",
    responses((status = 200, body = PriceSeriesList)),
    extensions(("x-access" = json!("operator"))),
)]
async fn list_price_series(
    State(api): State<Api>,
    Operator(caller): Operator,
) -> Result<Json<PriceSeriesList>, Problem> {
    let organisation = caller.user.organisation;
    let found = api.registry().read(move |tx| price_series::list(tx, organisation)).await?;
    let series = found
        .into_iter()
        .map(|series| PriceSeriesDocument {
            name: series.name,
            from: series.from.to_string(),
            until: series.until.to_string(),
            prices: series.prices,
            loaded: series.loaded.to_string(),
        })
        .collect();
    Ok(Json(PriceSeriesList { series }))
}

/// Loads prices by interval, all of a file or nothing. The same file again changes nothing; another price of
/// an interval replaces the one before, and bills that were issued keep theirs.
#[utoipa::path(
    post,
    path = "/admin/price-series",
    tag = "admin",
    request_body = PricesRequest,
    responses((status = 200, body = LoadedDocument)),
    extensions(("x-access" = json!("admin"))),
)]
async fn load_price_series(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<PricesRequest>,
) -> Result<Json<LoadedDocument>, Problem> {
    let loaded = api
        .registry()
        .write(move |tx| {
            let file = ("content", given.content.as_str());
            admin::load_prices(tx, &by, organisation, &given.name, file)
        })
        .await
        .map_err(|refusal: ImportRefusal| refused(refusal))?;
    Ok(Json(loaded.into()))
}

/// The months of the organisation's indices.
#[utoipa::path(
    get,
    path = "/admin/index-values",
    tag = "admin",
    responses((status = 200, body = IndexList)),
    extensions(("x-access" = json!("operator"))),
)]
async fn list_index_values(
    State(api): State<Api>,
    Operator(caller): Operator,
) -> Result<Json<IndexList>, Problem> {
    let organisation = caller.user.organisation;
    let found = api.registry().read(move |tx| index_values::list(tx, organisation)).await?;
    let values = found
        .into_iter()
        .map(|value| IndexDocument {
            name: value.name,
            month: value.month.to_string().get(..7).unwrap_or_default().to_owned(),
            change: value.change.to_string(),
        })
        .collect();
    Ok(Json(IndexList { values }))
}

/// Loads months of an index, all of a file or nothing.
#[utoipa::path(
    post,
    path = "/admin/index-values",
    tag = "admin",
    request_body = PricesRequest,
    responses((status = 200, body = LoadedDocument)),
    extensions(("x-access" = json!("admin"))),
)]
async fn load_index_values(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Body(given): Body<PricesRequest>,
) -> Result<Json<LoadedDocument>, Problem> {
    let loaded = api
        .registry()
        .write(move |tx| {
            let file = ("content", given.content.as_str());
            admin::load_index(tx, &by, organisation, &given.name, file)
        })
        .await
        .map_err(|refusal: ImportRefusal| refused(refusal))?;
    Ok(Json(loaded.into()))
}
