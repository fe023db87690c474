//! Traces by OTLP, where a collector is configured: requests, group commits, billing runs, messages on their
//! way out. A span says what was done and how long it took; it names no person and no reading.

use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracer, SdkTracerProvider},
};
use tokio::runtime::Runtime;

use crate::{failure::Failure, settings::TraceSettings};

/// Spans of this target are traces, and stand in no log.
pub(crate) const TARGET: &str = "corrente::trace";
/// How long a batch may take on its way.
const SENDING: Duration = Duration::from_secs(5);

/// The way to a collector. What is still to be sent goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    /// A runtime of its own: the last spans are sent when the server's is gone.
    runtime: Option<Runtime>,
}

impl Traces {
    /// The way to the collector of the settings, if they name one, and what makes spans.
    pub(crate) fn open(settings: &TraceSettings) -> Result<Option<(Self, SdkTracer)>, Failure> {
        let Some(endpoint) = &settings.endpoint else { return Ok(None) };
        let wrong = |error: &dyn std::fmt::Display| {
            Failure::new(format!("configuration: traces.endpoint is `{endpoint}`: {error}"))
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("traces")
            .enable_all()
            .build()
            .map_err(|error| Failure::of("traces cannot be sent", error))?;
        let client = corrente_notify::http_client()
            .and_then(|builder| builder.timeout(SENDING).build())
            .map_err(|error| wrong(&error))?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint)
            .with_timeout(SENDING)
            .with_http_client(Sender { client, runtime: runtime.handle().clone() })
            .build()
            .map_err(|error| wrong(&error))?;
        let share = f64::from(settings.sample_percent) / 100.0;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource =
            Resource::builder().with_service_name("corrente").with_attribute(version).build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share))))
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("corrente");
        Ok(Some((Self { provider, runtime: Some(runtime) }, tracer)))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.provider.shutdown_with_timeout(SENDING) {
            tracing::warn!(%error, "the last traces were not sent");
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(SENDING);
        }
    }
}

/// Sends a batch from the exporter's own thread, which is in no runtime.
#[derive(Debug)]
struct Sender {
    client: reqwest::Client,
    runtime: tokio::runtime::Handle,
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sending = self.runtime.spawn(async move {
            let answer = client.execute(request.try_into()?).await?;
            let mut response = Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                headers.clone_from(answer.headers());
            }
            Ok::<_, HttpError>(response.body(answer.bytes().await?)?)
        });
        sending.await?
    }
}
