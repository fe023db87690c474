//! The meter as a screen.

use std::{collections::VecDeque, io, time::Duration};

use corrente_meter::{Link, LinkState};
use ratatui::{
    DefaultTerminal, Frame,
    crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style, Stylize},
    text::{Line, Span},
    widgets::{Block, BorderType, Padding, Paragraph, Sparkline, Wrap},
};
use tokio::sync::mpsc;

use super::{
    Meter, MeterArguments,
    menu::{Answer, LINES, Menu},
    register::Register,
};
use crate::{failure::Failure, shutdown::asked_to_stop};

/// Seconds of the load curve that are kept; the screen shows as many as it has columns for.
const CURVE_SECONDS: usize = 600;
const ACCENT: Color = Color::Cyan;

/// Runs the meter on a screen of its own; the terminal is as it was afterwards.
pub(super) async fn run(arguments: MeterArguments) -> Result<(), Failure> {
    let mut meter = Meter::start(&arguments)?;
    let mut terminal = ratatui::try_init()
        .map_err(|error| Failure::of("cannot use the terminal (try --plain)", error))?;
    let left = work(&mut terminal, &mut meter, &arguments.connect).await;
    ratatui::restore();
    let stopped = matches!(meter.client.link().borrow().link, Link::Stopped { .. });
    if stopped {
        return meter.client.close().await.map_err(Failure::from);
    }
    left?;
    let said = meter.stop().await?;
    // The screen is gone; standard output may be closed as well, and nothing hangs on it.
    drop(io::Write::write_all(&mut io::stdout(), format!("{said}\n").as_bytes()));
    Ok(())
}

/// What the screen shows beside the register.
#[derive(Debug, Default)]
struct View {
    menu: Menu,
    typed: String,
    said: Option<(String, bool)>,
    curve: VecDeque<u64>,
}

async fn work(
    terminal: &mut DefaultTerminal,
    meter: &mut Meter,
    server: &str,
) -> Result<(), Failure> {
    let mut link = meter.client.link();
    let mut keys = read_keys();
    let mut stop = asked_to_stop()?;
    let mut view = View::default();
    loop {
        let state = link.borrow_and_update().clone();
        if matches!(state.link, Link::Stopped { .. }) {
            return Ok(());
        }
        let screen = Screen {
            view: &view,
            register: &meter.ticker.register,
            link: &state,
            serial: &meter.serial,
            server,
            every: meter.ticker.every(state.interval_seconds),
        };
        terminal
            .draw(|frame| screen.draw(frame))
            .map_err(|error| Failure::of("cannot draw on the terminal", error))?;
        tokio::select! {
            () = meter.ticker.next() => {
                meter.ticker.tick(&meter.client).await?;
                if view.curve.len() == CURVE_SECONDS {
                    view.curve.pop_front();
                }
                view.curve.push_back(u64::try_from(meter.ticker.register.power().w()).unwrap_or(0));
            }
            event = keys.recv() => match event {
                Some(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                    if view.press(key, &mut meter.ticker.register) {
                        return Ok(());
                    }
                }
                Some(_) => {}
                None => return Err(Failure::new("the terminal is gone")),
            },
            changed = link.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
            }
            () = &mut stop => return Ok(()),
        }
    }
}

impl View {
    /// Takes a key; says whether to leave.
    fn press(&mut self, key: KeyEvent, register: &mut Register) -> bool {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return key.code == KeyCode::Char('c');
        }
        if key.code == KeyCode::Esc {
            self.menu = Menu::Option;
            self.typed.clear();
            self.said = None;
        } else if key.code == KeyCode::Backspace {
            self.typed.pop();
        } else if key.code == KeyCode::Enter {
            let line = std::mem::take(&mut self.typed);
            if !(self.menu == Menu::Option && line.is_empty()) {
                return self.enter(&line, register);
            }
        } else if let KeyCode::Char(letter) = key.code {
            if self.menu == Menu::Option {
                return self.enter(&letter.to_string(), register);
            }
            if self.typed.len() < 24 {
                self.typed.push(letter);
            }
        }
        false
    }

    fn enter(&mut self, line: &str, register: &mut Register) -> bool {
        self.said = match self.menu.take(line, register) {
            Answer::Ask => None,
            Answer::Changed(said) => Some((said, true)),
            Answer::Wrong(said) => Some((said, false)),
            Answer::Leave => return true,
        };
        false
    }
}

/// One picture of the meter.
struct Screen<'a> {
    view: &'a View,
    register: &'a Register,
    link: &'a LinkState,
    serial: &'a str,
    server: &'a str,
    /// Seconds from one reading to the next.
    every: u32,
}

impl Screen<'_> {
    fn draw(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        let outer = Block::bordered()
            .border_type(BorderType::Rounded)
            .border_style(Style::new().fg(Color::DarkGray))
            .title_top(Line::from(vec![
                " Corrente ".fg(ACCENT).bold(),
                format!("meter {} ", self.serial).into(),
            ]))
            .title_top(Line::from(format!(" {} ", self.server)).dim().right_aligned())
            .padding(Padding::horizontal(1));
        let inside = outer.inner(area);
        frame.render_widget(outer, area);
        let [figures, curve, menu] =
            Layout::vertical([Constraint::Length(5), Constraint::Min(3), Constraint::Length(8)])
                .areas(inside);
        self.draw_figures(frame, figures);
        self.draw_curve(frame, curve);
        self.draw_menu(frame, menu);
    }

    fn draw_figures(&self, frame: &mut Frame<'_>, area: Rect) {
        let power = self.register.power().w();
        let label = |text: &'static str| Span::from(format!("{text:<15}")).dim();
        let lines = vec![
            Line::from(vec![
                label("Register"),
                Span::from(kwh(self.register)).fg(ACCENT).bold(),
                " kWh".into(),
            ]),
            Line::from(vec![
                label("Rate"),
                Span::from(format!("{}", self.register.rate())).bold(),
                " kWh per second".into(),
                format!("  ({})", watts(power)).dim(),
            ]),
            Line::from(vec![label("Connection"), self.connection()]),
            Line::from(vec![label("Acknowledged"), self.acknowledged().into()]),
        ];
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn connection(&self) -> Span<'static> {
        match &self.link.link {
            Link::Connected => {
                let every = self.every;
                Span::from(format!("● connected, a reading every {every} s")).fg(Color::Green)
            }
            Link::Connecting => Span::from("◌ connecting…").fg(Color::Yellow),
            Link::Waiting { reason, until } => {
                let left = until.saturating_duration_since(std::time::Instant::now());
                let seconds = left.as_secs() + 1;
                Span::from(format!("○ no connection, again in {seconds} s ({reason})"))
                    .fg(Color::Yellow)
            }
            Link::Stopped { reason } => Span::from(format!("✕ {reason}")).fg(Color::Red),
        }
    }

    fn acknowledged(&self) -> String {
        let waiting = match self.link.pending {
            0 => "none waiting".to_owned(),
            1 => "1 waiting".to_owned(),
            more => format!("{more} waiting"),
        };
        match self.link.acknowledged_at {
            None if self.link.acknowledged == 0 => format!("nothing yet, {waiting}"),
            None => format!("up to #{}, {waiting}", self.link.acknowledged),
            Some(at) => format!(
                "up to #{}, {} s ago, {waiting}",
                self.link.acknowledged,
                at.elapsed().as_secs()
            ),
        }
    }

    fn draw_curve(&self, frame: &mut Frame<'_>, area: Rect) {
        let most = self.view.curve.iter().copied().max().unwrap_or(0);
        let block = Block::default().title(
            Line::from(format!("Load, one column a second, highest {}", watts_of(most))).dim(),
        );
        let columns = usize::from(area.width);
        let skip = self.view.curve.len().saturating_sub(columns);
        let shown: Vec<u64> = self.view.curve.iter().skip(skip).copied().collect();
        let curve = Sparkline::default()
            .block(block)
            .data(shown)
            .max(most.max(1))
            .style(Style::new().fg(ACCENT));
        frame.render_widget(curve, area);
    }

    fn draw_menu(&self, frame: &mut Frame<'_>, area: Rect) {
        let mut lines: Vec<Line<'_>> = LINES
            .iter()
            .map(|line| {
                let (key, text) = line.split_at(1);
                Line::from(vec![Span::from(key).fg(ACCENT).bold(), text.into()])
            })
            .collect();
        lines.push(Line::default());
        let entry = vec![
            Span::from(self.view.menu.prompt()).add_modifier(Modifier::BOLD),
            self.view.typed.as_str().into(),
            Span::from("▏").fg(ACCENT),
        ];
        lines.push(Line::from(entry));
        let refused = self.link.refused.as_ref().map(|said| (format!("refused: {said}"), false));
        if let Some((said, good)) = self.view.said.clone().or(refused) {
            let colour = if good { Color::Green } else { Color::Red };
            lines.push(Line::from(Span::from(said).fg(colour)));
        } else if self.view.menu != Menu::Option {
            lines.push(Line::from("Enter takes it, Esc goes back").dim());
        }
        frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), area);
    }
}

/// kWh with the thousands set apart and three decimals.
fn kwh(register: &Register) -> String {
    let wh = register.shows().wh();
    let (whole, rest) = (wh / 1000, wh % 1000);
    format!("{}.{rest:03}", grouped(whole))
}

fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + 4);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

fn watts(watts: i64) -> String {
    watts_of(u64::try_from(watts).unwrap_or(0))
}

fn watts_of(watts: u64) -> String {
    match watts {
        0..10_000 => format!("{watts} W"),
        10_000..10_000_000 => format!("{}.{} kW", watts / 1000, watts % 1000 / 100),
        _ => format!("{}.{} MW", watts / 1_000_000, watts % 1_000_000 / 100_000),
    }
}

/// Keys, read on a thread of their own.
fn read_keys() -> mpsc::Receiver<Event> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        loop {
            // Looking up now and then lets the thread end when the screen is left.
            match event::poll(Duration::from_millis(200)) {
                Ok(false) if !sender.is_closed() => continue,
                Ok(true) => {}
                Ok(false) | Err(_) => return,
            }
            match event::read() {
                Ok(event) => {
                    if sender.blocking_send(event).is_err() {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use ratatui::{Terminal, backend::TestBackend};
    use rust_decimal::Decimal;
    use serde_json::Value;

    use super::*;

    fn picture(view: &View, link: &LinkState, width: u16, height: u16) -> String {
        let mut register = Register::restore(&Value::Null);
        register.set_rate(Decimal::new(5, 1));
        register.tick(2_469);
        let screen = Screen {
            view,
            register: &register,
            link,
            serial: "M-1",
            server: "localhost:4005",
            every: 10,
        };
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| screen.draw(frame)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn the_screen_shows_what_a_meter_knows() {
        let link = LinkState { link: Link::Connected, acknowledged: 12, ..LinkState::default() };
        let view = View { curve: [1, 5, 9].into(), ..View::default() };
        let shown = picture(&view, &link, 80, 24);
        for text in [
            "1\u{202f}234.500 kWh",
            "0.5 kWh per second",
            "1800.0 kW",
            "connected",
            "#12",
            "4 - Leave",
        ] {
            assert!(shown.contains(text), "{text} in\n{shown}");
        }
    }

    #[test]
    fn a_small_terminal_is_no_accident() {
        for (width, height) in [(1, 1), (20, 5), (40, 12), (300, 90)] {
            picture(&View::default(), &LinkState::default(), width, height);
        }
    }

    #[test]
    fn keys_choose_type_and_take_back() {
        let mut register = Register::restore(&Value::Null);
        let mut view = View::default();
        let mut press = |view: &mut View, codes: &[KeyCode]| {
            codes.iter().any(|code| view.press(KeyEvent::from(*code), &mut register))
        };
        let keys = "30.77".chars().map(KeyCode::Char).collect::<Vec<_>>();
        assert!(!press(&mut view, &keys));
        assert!(!press(&mut view, &[KeyCode::Backspace, KeyCode::Enter]));
        assert_eq!(view.said.as_ref().unwrap().0, "Consumption rate: 0.7 kWh per second");
        assert!(!press(&mut view, &[KeyCode::Char('1'), KeyCode::Char('9'), KeyCode::Esc]));
        assert_eq!((view.menu, view.typed.as_str()), (Menu::Option, ""));
        assert!(press(&mut view, &[KeyCode::Char('4')]));
        assert_eq!(register.rate().to_string(), "0.7");
    }
}
