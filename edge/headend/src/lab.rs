//! Raw connections of the prototype: an answer to each object, in order.

use std::{sync::Arc, time::Duration};

use corrente_lab::Lab;
use corrente_line::lab::{Piece, RequestError, Splitter};

use crate::{
    Shared,
    stream::{Stream, linger, read_some, write_all},
};

/// The prototype's meter sends every second and waits for each answer.
const SILENCE: Duration = Duration::from_mins(15);
/// An object whose end has not come by then is answered with an error: its sender waits for something.
const UNFINISHED: Duration = Duration::from_secs(10);

/// Serves a connection to its end, beginning with what was read of it.
pub(crate) async fn serve<S: Stream>(mut stream: S, first: Vec<u8>, shared: &Arc<Shared>) {
    let Some(lab) = &shared.services.lab else { return };
    let mut splitter = Splitter::new();
    let mut bytes = first;
    loop {
        let mut rest = bytes.as_slice();
        while let Some(piece) = splitter.next_piece(&mut rest) {
            let (answer, goes_on) = answer(lab, piece).await;
            if write_all(&mut stream, &answer, shared.config.stall).await.is_err() {
                return;
            }
            if !goes_on {
                linger(&mut stream).await;
                return;
            }
        }
        let limit = if splitter.is_inside() { UNFINISHED } else { SILENCE };
        let heard = tokio::select! {
            () = shared.stopping.cancelled() => {
                linger(&mut stream).await;
                return;
            }
            heard = tokio::time::timeout(limit, read_some(&mut stream)) => heard,
        };
        bytes = match heard {
            Ok(Ok(more)) if !more.is_empty() => more,
            Err(_) if splitter.is_inside() => {
                splitter.abandon();
                let answer = Lab::answer_error(RequestError::Unfinished);
                if write_all(&mut stream, &answer, shared.config.stall).await.is_err() {
                    return;
                }
                Vec::new()
            }
            Ok(Ok(_) | Err(_)) | Err(_) => return,
        };
    }
}

/// The answer, and whether the next object can be found.
async fn answer(lab: &Lab, piece: Piece) -> (Vec<u8>, bool) {
    match piece {
        Piece::Object(object) => (lab.answer(&object).await, true),
        Piece::Noise => (Lab::answer_error(RequestError::NotAnObject), true),
        Piece::TooLong | Piece::TooDeep => (Lab::answer_error(RequestError::TooLarge), false),
    }
}
