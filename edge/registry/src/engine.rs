//! The engine: SQLite behind one writer thread and a few readers.
//!
//! A thread that may block reads by itself, on a connection that it borrows: a look at a usage point asks
//! many small questions, and to hand each to another thread would cost more than the answer.
//!
//! An operation is a plain function over [`Tx`]; nothing is awaited inside a transaction, and a closure
//! has no effect but on the database, because an engine that detects conflicts runs it again.

use std::{
    fs::OpenOptions,
    os::unix::fs::OpenOptionsExt as _,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, PoisonError, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig, types};
use tokio::sync::oneshot;

use crate::{
    RegistryError, migrations,
    value::{FromRow, Row, Value},
};

/// How many transactions may read at once; a read never waits for the writer.
const READERS: usize = 4;
/// How long to wait for another process that writes (the command line beside a running server).
const BUSY: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce(&mut Tx) + Send>;

/// The registry of one data directory. Clones share it; the last one that goes closes the file.
#[derive(Clone, Debug)]
pub struct Registry {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    write: Option<mpsc::Sender<Job>>,
    read: Option<mpsc::Sender<Job>>,
    readers: Arc<Connections>,
    threads: Vec<JoinHandle<()>>,
}

/// A transaction. Only the modules of this crate speak to the engine through it.
pub struct Tx {
    connection: Connection,
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tx")
    }
}

/// Connections that are lent out for a transaction each.
#[derive(Debug)]
struct Connections {
    idle: Mutex<Vec<Tx>>,
    returned: Condvar,
}

impl Connections {
    /// Runs something on a connection, as soon as one is idle.
    fn lend<T>(&self, operation: impl FnOnce(&mut Tx) -> T) -> T {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tx = loop {
            match idle.pop() {
                Some(tx) => break tx,
                None => idle = self.returned.wait(idle).unwrap_or_else(PoisonError::into_inner),
            }
        };
        drop(idle);
        let outcome = operation(&mut tx);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(tx);
        self.returned.notify_one();
        outcome
    }
}

#[derive(Clone, Copy)]
enum Mode {
    Write,
    Read,
}

impl Registry {
    /// Opens the registry in this file, makes it when there is none, and brings it to the newest schema.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RegistryError> {
        let path = path.as_ref();
        let mut writer = connect(path, Mode::Write)?;
        migrations::run(&mut writer, path)?;
        Self::start(path.to_owned(), writer)
    }

    /// Opens the registry in this file beside whoever uses it, and leaves its schema as it is.
    ///
    /// # Errors
    /// [`RegistryError::Older`] where it is not the schema of this program.
    pub fn open_as_is(path: impl AsRef<Path>) -> Result<Self, RegistryError> {
        let path = path.as_ref();
        migrations::refuse_other(&connect(path, Mode::Read)?, path)?;
        Self::start(path.to_owned(), connect(path, Mode::Write)?)
    }

    /// Copies the registry in the file `from`, whatever its schema, to the new file `to`, while others go
    /// on working with it.
    pub fn copy_of(from: &Path, to: &Path) -> Result<(), RegistryError> {
        let connection = connect(from, Mode::Read)?;
        migrations::refuse_foreign(&connection, from)?;
        Tx { connection }.backup(to)
    }

    fn start(path: PathBuf, writer: Connection) -> Result<Self, RegistryError> {
        let mut idle = Vec::new();
        for _ in 0..READERS {
            idle.push(Tx { connection: connect(&path, Mode::Read)? });
        }
        let readers = Arc::new(Connections { idle: Mutex::new(idle), returned: Condvar::new() });
        let mut writer = Tx { connection: writer };
        let (write, jobs) = mpsc::channel();
        let jobs = Arc::new(Mutex::new(jobs));
        let mut threads = vec![worker("registry-write", &path, jobs, move |job| job(&mut writer))?];
        let (read, jobs) = mpsc::channel();
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..READERS {
            let (jobs, readers) = (Arc::clone(&jobs), Arc::clone(&readers));
            threads.push(worker("registry-read", &path, jobs, move |job| readers.lend(job))?);
        }
        let inner = Inner { path, write: Some(write), read: Some(read), readers, threads };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Runs `operation` in a transaction that may change things. When this returns `Ok`, the changes are
    /// on disk; after an error nothing was changed. `operation` may run more than once.
    pub async fn write<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<RegistryError> + Send + 'static,
    {
        self.run(Mode::Write, operation).await
    }

    /// Runs `operation` on one consistent state of the registry; it cannot change anything.
    pub async fn read<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<RegistryError> + Send + 'static,
    {
        self.run(Mode::Read, operation).await
    }

    /// [`Registry::write`] for threads outside the async runtime.
    pub fn write_blocking<T, E, F>(&self, mut operation: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<RegistryError> + Send + 'static,
    {
        let (reply, result) = mpsc::sync_channel(1);
        let job = move |tx: &mut Tx| drop(reply.send(tx.run(Mode::Write, &mut operation)));
        self.submit(Mode::Write, Box::new(job))?;
        result.recv().unwrap_or_else(|_| Err(RegistryError::Closed.into()))
    }

    /// [`Registry::read`] on this thread, which must be one that may block.
    pub fn read_blocking<T, E, F>(&self, mut operation: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx) -> Result<T, E>,
        E: From<RegistryError>,
    {
        self.inner.readers.lend(|tx| tx.run(Mode::Read, &mut operation))
    }

    /// Copies the registry, as of now, into a new file while everybody goes on working.
    pub async fn backup(&self, target: PathBuf) -> Result<(), RegistryError> {
        self.read(move |tx| tx.backup(&target)).await
    }

    async fn run<T, E, F>(&self, mode: Mode, mut operation: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<RegistryError> + Send + 'static,
    {
        let (reply, result) = oneshot::channel();
        self.submit(
            mode,
            Box::new(move |tx| {
                // Nobody waits any more when the request was dropped; the commit stands all the same.
                drop(reply.send(tx.run(mode, &mut operation)));
            }),
        )?;
        result.await.unwrap_or_else(|_| Err(RegistryError::Closed.into()))
    }

    fn submit(&self, mode: Mode, job: Job) -> Result<(), RegistryError> {
        let queue = match mode {
            Mode::Write => &self.inner.write,
            Mode::Read => &self.inner.read,
        };
        queue.as_ref().and_then(|queue| queue.send(job).ok()).ok_or(RegistryError::Closed)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.write = None;
        self.read = None;
        for thread in self.threads.drain(..) {
            // The last clone may go inside an operation; that thread ends by itself.
            if thread.thread().id() != thread::current().id() {
                drop(thread.join());
            }
        }
    }
}

impl Tx {
    /// Runs a statement and says how many rows it touched.
    pub(crate) fn execute(
        &mut self,
        sql: &'static str,
        params: &[(&str, Value)],
    ) -> Result<usize, RegistryError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        bind(&mut statement, params)?;
        Ok(statement.raw_execute()?)
    }

    /// All rows of a query, or of a statement with RETURNING.
    pub(crate) fn rows<T: FromRow>(
        &mut self,
        sql: &'static str,
        params: &[(&str, Value)],
    ) -> Result<Vec<T>, RegistryError> {
        let mut found = Vec::new();
        self.each(sql, params, |row| found.push(row))?;
        Ok(found)
    }

    /// Hands every row of a query on, without keeping any.
    pub(crate) fn each<T: FromRow>(
        &mut self,
        sql: &'static str,
        params: &[(&str, Value)],
        mut take: impl FnMut(T),
    ) -> Result<(), RegistryError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        bind(&mut statement, params)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            let mut values = Vec::with_capacity(columns.len());
            for (index, column) in columns.iter().enumerate() {
                let value = match row.get_ref(index)? {
                    types::ValueRef::Null => Value::Null,
                    types::ValueRef::Integer(number) => Value::Integer(number),
                    types::ValueRef::Text(text) => {
                        Value::Text(String::from_utf8_lossy(text).into_owned())
                    }
                    types::ValueRef::Real(_) | types::ValueRef::Blob(_) => {
                        return Err(RegistryError::Unreadable {
                            column: "(any)",
                            found: format!("a binary or floating value in {column}"),
                        });
                    }
                };
                values.push(value);
            }
            take(T::from_row(&Row { columns: &columns, values })?);
        }
        Ok(())
    }

    /// The only row, or none.
    pub(crate) fn row<T: FromRow>(
        &mut self,
        sql: &'static str,
        params: &[(&str, Value)],
    ) -> Result<Option<T>, RegistryError> {
        Ok(self.rows(sql, params)?.into_iter().next())
    }

    fn run<T, E>(
        &mut self,
        mode: Mode,
        operation: &mut dyn FnMut(&mut Self) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<RegistryError>,
    {
        let begin = match mode {
            Mode::Write => "BEGIN IMMEDIATE",
            Mode::Read => "BEGIN",
        };
        self.connection.execute_batch(begin).map_err(RegistryError::from)?;
        let outcome = catch_unwind(AssertUnwindSafe(|| operation(self)))
            .unwrap_or_else(|_| Err(RegistryError::Panicked.into()));
        let committed = outcome.and_then(|value| {
            self.connection.execute_batch("COMMIT").map_err(RegistryError::from)?;
            Ok(value)
        });
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "registry rollback failed");
        }
        committed
    }

    fn backup(&mut self, target: &Path) -> Result<(), RegistryError> {
        let opened = |source| RegistryError::Open { path: target.to_owned(), source };
        // It holds everybody's names and bills: for nobody else's eyes, from the first byte on.
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(target)
            .map_err(|error| opened(rusqlite::Error::ToSqlConversionFailure(Box::new(error))))?;
        let mut copy = Connection::open(target).map_err(opened)?;
        // All pages in one step: one state of the database, and writers go on beside it.
        rusqlite::backup::Backup::new(&self.connection, &mut copy)?.step(-1)?;
        Ok(())
    }
}

fn bind(
    statement: &mut rusqlite::Statement<'_>,
    params: &[(&str, Value)],
) -> Result<(), RegistryError> {
    for index in 1..=statement.parameter_count() {
        let name = statement.parameter_name(index).unwrap_or_default().to_owned();
        let name = name.trim_start_matches('$');
        let value = params
            .iter()
            .find(|(given, _)| *given == name)
            .map(|(_, value)| value)
            .ok_or_else(|| rusqlite::Error::InvalidParameterName(name.to_owned()))?;
        match value {
            Value::Null => statement.raw_bind_parameter(index, types::Null)?,
            Value::Integer(number) => statement.raw_bind_parameter(index, number)?,
            Value::Text(text) => statement.raw_bind_parameter(index, text)?,
        }
    }
    Ok(())
}

fn connect(path: &Path, mode: Mode) -> Result<Connection, RegistryError> {
    let open = || -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(256);
        // A statement keeps its plan whatever is bound to it: else each new value prepares it again.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        Ok(connection)
    };
    let failed = |source: rusqlite::Error| RegistryError::opening(path, source);
    let connection = open().map_err(failed)?;
    match mode {
        Mode::Write => {
            migrations::refuse_foreign(&connection, path)?;
            connection
                .pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
                .map_err(failed)?;
            // FULL: a commit is on the disk when it returns, also after a power cut.
            connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        }
        Mode::Read => connection.pragma_update(None, "query_only", true).map_err(failed)?,
    }
    Ok(connection)
}

fn worker(
    name: &str,
    path: &Path,
    jobs: Arc<Mutex<mpsc::Receiver<Job>>>,
    mut work: impl FnMut(Job) + Send + 'static,
) -> Result<JoinHandle<()>, RegistryError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            loop {
                let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
                match job {
                    Ok(job) => work(job),
                    Err(mpsc::RecvError) => break,
                }
            }
        })
        .map_err(|error| RegistryError::Open {
            path: path.to_owned(),
            source: rusqlite::Error::ToSqlConversionFailure(Box::new(error)),
        })
}
