//! The menu line by line, for pipes and small terminals.

use std::io::{BufRead, Write, stdin, stdout};

use corrente_meter::Link;
use tokio::sync::mpsc;

use super::{
    Meter, MeterArguments,
    menu::{Answer, LINES, Menu},
};
use crate::{failure::Failure, shutdown::asked_to_stop};

/// Runs the meter with a plain menu.
pub(super) async fn run(arguments: MeterArguments) -> Result<(), Failure> {
    say("Meter initialization, please wait...");
    let mut meter = Meter::start(&arguments)?;
    let mut link = meter.client.link();
    let mut lines = read_lines();
    let mut menu = Menu::default();
    let mut stop = asked_to_stop()?;
    show_menu(menu);
    let mut input_open = true;
    let mut told = Link::Connecting;
    loop {
        tokio::select! {
            () = meter.ticker.next() => meter.ticker.tick(&meter.client).await?,
            line = lines.recv(), if input_open => match line {
                None => {
                    input_open = false;
                    say("\nEnd of input: the meter goes on sending. Stop it with Ctrl-C or SIGTERM.");
                }
                Some(line) => {
                    match menu.take(&line, &mut meter.ticker.register) {
                        Answer::Ask => {}
                        Answer::Changed(said) | Answer::Wrong(said) => say(&said),
                        Answer::Leave => break,
                    }
                    show_menu(menu);
                }
            },
            changed = link.changed() => {
                // When the sender is gone, the client has stopped: its own error says why.
                if changed.is_err() {
                    return meter.client.close().await.map_err(Failure::from);
                }
                let state = link.borrow_and_update().clone();
                if let Link::Stopped { .. } = state.link {
                    return meter.client.close().await.map_err(Failure::from);
                }
                tell(&meter.serial, &mut told, &state.link);
            }
            () = &mut stop => break,
        }
    }
    let said = meter.stop().await?;
    say(&said);
    Ok(())
}

/// Says when the connection changes, once for each outage, on standard error so that the menu's
/// output stays the menu's.
#[expect(clippy::print_stderr, reason = "a person at a terminal reads it")]
fn tell(serial: &str, told: &mut Link, link: &Link) {
    match (&*told, link) {
        (Link::Connected, Link::Connected)
        | (Link::Waiting { .. }, Link::Waiting { .. })
        | (_, Link::Connecting | Link::Stopped { .. }) => return,
        (_, Link::Connected) => eprintln!("meter {serial} is connected"),
        (_, Link::Waiting { reason, .. }) => {
            eprintln!("no connection ({reason}); readings are kept and sent later");
        }
    }
    told.clone_from(link);
}

/// Lines of standard input, read on a thread of their own: a terminal cannot be waited for otherwise.
fn read_lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in stdin().lock().lines() {
            let Ok(line) = line else { return };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn show_menu(menu: Menu) {
    let mut text = String::new();
    if menu == Menu::Option {
        for line in LINES {
            text.push_str(line);
            text.push('\n');
        }
    }
    text.push_str(menu.prompt());
    let mut out = stdout();
    // Nobody may be reading: the meter goes on all the same.
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

fn say(text: &str) {
    let mut out = stdout();
    // As above.
    drop(writeln!(out, "{text}").and_then(|()| out.flush()));
}
