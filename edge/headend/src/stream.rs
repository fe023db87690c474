//! Byte streams: read without holding a buffer, write within a limit of time, put bytes back.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};

/// Bytes of one read. Big enough for some thousand readings, which then share an append.
const READ_BYTES: usize = 64 * 1024;
/// What is read and thrown away behind an error, so that the peer gets to read it.
const LINGER_BYTES: usize = 1024 * 1024;
const LINGER: Duration = Duration::from_secs(2);

thread_local! {
    /// One buffer per worker thread: a connection that waits holds none.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// What a connection is read from and written to.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// Reads what is there and hands it to `take`; an empty slice is the end of the stream.
pub(crate) fn poll_take<S: Stream, T>(
    stream: &mut S,
    cx: &mut Context<'_>,
    take: impl FnOnce(&[u8]) -> T,
) -> Poll<io::Result<T>> {
    BUFFER.with_borrow_mut(|buffer| {
        let mut read = ReadBuf::new(buffer);
        ready!(Pin::new(stream).poll_read(cx, &mut read))?;
        Poll::Ready(Ok(take(read.filled())))
    })
}

/// Reads what is there; nothing is the end of the stream.
pub(crate) async fn read_some<S: Stream>(stream: &mut S) -> io::Result<Vec<u8>> {
    poll_fn(|cx| poll_take(stream, cx, <[u8]>::to_vec)).await
}

/// Writes all of it, unless the peer does not read it in time.
pub(crate) async fn write_all<S: Stream>(
    stream: &mut S,
    bytes: &[u8],
    limit: Duration,
) -> io::Result<()> {
    let write = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    tokio::time::timeout(limit, write).await.unwrap_or(Err(io::ErrorKind::TimedOut.into()))
}

/// Ends the connection in a way that lets the peer read what was sent last: closing with unread bytes
/// would reset it. What the peer still sends is read and thrown away, within limits.
pub(crate) async fn linger<S: Stream>(stream: &mut S) {
    let close = async {
        stream.shutdown().await?;
        let mut rest = LINGER_BYTES;
        loop {
            let read = poll_fn(|cx| poll_take(stream, cx, <[u8]>::len)).await?;
            rest = rest.saturating_sub(read);
            if read == 0 || rest == 0 {
                return io::Result::Ok(());
            }
        }
    };
    // The peer may be gone already, or stay for ever: it makes no difference to us.
    drop(tokio::time::timeout(LINGER, close).await);
}

/// A stream with bytes put back in front of it.
#[derive(Debug)]
pub(crate) struct Rewound<S> {
    front: Vec<u8>,
    taken: usize,
    stream: S,
}

impl<S> Rewound<S> {
    pub(crate) const fn new(front: Vec<u8>, stream: S) -> Self {
        Self { front, taken: 0, stream }
    }
}

impl<S: Stream> AsyncRead for Rewound<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let front = self.front.get(self.taken..).unwrap_or_default();
        if front.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let count = front.len().min(buffer.remaining());
        buffer.put_slice(front.get(..count).unwrap_or_default());
        self.taken = self.taken.saturating_add(count);
        if self.taken >= self.front.len() {
            self.front = Vec::new();
            self.taken = 0;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Stream> AsyncWrite for Rewound<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
