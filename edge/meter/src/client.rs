//! The handle on a running meter.

use std::sync::Arc;

use corrente_line::v1::Sample;
use serde_json::Value;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

use crate::{
    ClientError, Link, LinkState, MeterConfig, MeterState, NewReading, Statistics,
    session::{Command, Session},
};

/// A meter that runs in the background until it is closed or dropped.
#[derive(Debug)]
pub struct MeterClient {
    commands: mpsc::Sender<Command>,
    link: watch::Receiver<LinkState>,
    statistics: Arc<Statistics>,
    task: JoinHandle<Result<(), ClientError>>,
}

impl MeterClient {
    /// Starts the meter on the current tokio runtime.
    ///
    /// # Errors
    /// When the state belongs to another meter, or there is no credential at all.
    pub fn start(config: MeterConfig, state: MeterState) -> Result<Self, ClientError> {
        let statistics = Arc::clone(&config.statistics);
        let (commands, receiver) = mpsc::channel(4);
        let (sender, link) = watch::channel(LinkState::default());
        let session = Session::new(config, state, receiver, sender)?;
        let task = tokio::spawn(session.run());
        Ok(Self { commands, link, statistics, task })
    }

    /// Keeps the readings in the state, durably where that is a file, and sends them when it can.
    /// Says the sequence number of the last one. Waits while too many are pending.
    ///
    /// # Errors
    /// When the state cannot be written or the meter has stopped.
    pub async fn send(&self, readings: Vec<NewReading>) -> Result<u64, ClientError> {
        self.send_with_note(readings, None).await
    }

    /// The same, with a note that the state keeps beside the readings in the same write.
    ///
    /// # Errors
    /// As [`MeterClient::send`].
    pub async fn send_with_note(
        &self,
        readings: Vec<NewReading>,
        note: Option<Value>,
    ) -> Result<u64, ClientError> {
        let (answer, answered) = oneshot::channel();
        self.command(Command::Send { readings, note, answer }).await?;
        answered.await.map_err(|_| self.stopped())?.map_err(ClientError::from)
    }

    /// Sends a power sample if there is a connection; it is never kept.
    ///
    /// # Errors
    /// When the meter has stopped.
    pub async fn sample(&self, sample: Sample) -> Result<(), ClientError> {
        self.command(Command::Sample(sample)).await
    }

    /// Waits until every reading sent before is acknowledged (or refused).
    ///
    /// # Errors
    /// When the meter stops before.
    pub async fn flushed(&self) -> Result<(), ClientError> {
        let (answer, answered) = oneshot::channel();
        self.command(Command::Flush(answer)).await?;
        answered.await.map_err(|_| self.stopped())
    }

    /// Drops the connection, as a bad line would, and comes back after `pause`: for trials.
    ///
    /// # Errors
    /// When the meter has stopped.
    pub async fn reconnect(&self, pause: std::time::Duration) -> Result<(), ClientError> {
        self.command(Command::Reconnect(pause)).await
    }

    /// How the connection is, now and whenever it changes.
    pub fn link(&self) -> watch::Receiver<LinkState> {
        self.link.clone()
    }

    /// Waits until the meter has stopped for good; [`MeterClient::close`] then says why.
    pub async fn ended(&self) {
        let mut link = self.link.clone();
        // The sender goes with the task.
        while !matches!(link.borrow_and_update().link, Link::Stopped { .. }) {
            if link.changed().await.is_err() {
                return;
            }
        }
    }

    /// The counters.
    pub const fn statistics(&self) -> &Arc<Statistics> {
        &self.statistics
    }

    /// Stops the meter. What is not acknowledged stays in the state.
    ///
    /// # Errors
    /// What made it stop before, if something did.
    pub async fn close(self) -> Result<(), ClientError> {
        let Self { commands, link, task, .. } = self;
        drop(commands);
        task.await.unwrap_or_else(|_| {
            Err(ClientError::Stopped(format!("its task was ended ({:?})", link.borrow().link)))
        })
    }

    async fn command(&self, command: Command) -> Result<(), ClientError> {
        self.commands.send(command).await.map_err(|_| self.stopped())
    }

    fn stopped(&self) -> ClientError {
        ClientError::Stopped(match &self.link.borrow().link {
            Link::Stopped { reason } => reason.clone(),
            Link::Connecting | Link::Connected | Link::Waiting { .. } => "it was closed".to_owned(),
        })
    }
}
