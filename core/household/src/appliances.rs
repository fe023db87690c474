//! Appliances: each puts its blocks on the day's sketch.

use crate::{curve::Sketch, draw::Draw, habits::Habits, weather::Climate};

/// What is known of the day on which an appliance runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Today {
    pub(crate) climate: Climate,
    /// Mean temperature in tenths of a degree Celsius.
    pub(crate) temperature: i32,
    /// Monday is 0, Sunday 6.
    pub(crate) weekday: usize,
    /// Minute at which lights go on in the evening.
    pub(crate) dusk: i32,
}

impl Today {
    pub(crate) const fn is_weekend(&self) -> bool {
        self.weekday >= 5
    }
}

/// Refrigerators and freezers: a compressor that runs longer when it is warm.
pub(crate) fn refrigerators(sketch: &mut Sketch, draw: &mut Draw, habits: &Habits, today: Today) {
    let duty = today.temperature.saturating_sub(100).div_euclid(5).clamp(14, 42).saturating_add(10);
    for _ in 0..habits.fridges {
        let mut at = draw.between(0, habits.fridge_period).saturating_neg();
        while at < 24 * 60 {
            let period = habits.fridge_period.saturating_add(draw.between(-5, 5)).max(20);
            let on = period.saturating_mul(duty).div_euclid(100).max(5);
            sketch.block(at.max(0), on.saturating_add(at.min(0)), habits.fridge_w);
            at = at.saturating_add(period);
        }
    }
}

/// Electric showers: short, and by far the largest load of a Brazilian home.
pub(crate) fn showers(sketch: &mut Sketch, draw: &mut Draw, habits: &Habits, today: Today) {
    let warm = today.climate.is_warm() && today.temperature > 240;
    // On warm days people turn the shower to its summer setting.
    let watts =
        if warm { habits.shower_w.saturating_mul(6).div_euclid(10) } else { habits.shower_w };
    for _ in 0..habits.people {
        let morning = draw.chance(habits.morning_showers);
        let at = if morning {
            habits.wakes.saturating_add(draw.between(5, 55))
        } else {
            draw.about(17 * 60 + 30, 21 * 60 + 45)
        };
        let shift = if today.is_weekend() && morning { draw.between(30, 120) } else { 0 };
        sketch.block(at.saturating_add(shift), draw.about(4, 12), watts);
    }
}

/// Lights from dusk to bedtime and before dawn.
pub(crate) fn lights(sketch: &mut Sketch, draw: &mut Draw, habits: &Habits, today: Today) {
    let watts = habits.lights_w.saturating_mul(draw.between(70, 120)).div_euclid(100);
    let bed = habits.sleeps.saturating_add(draw.between(-20, 25));
    let on = today.dusk.saturating_add(draw.between(-15, 20));
    sketch.block(on, bed.saturating_sub(on), watts);
    let half = watts.div_euclid(2);
    if habits.wakes < 6 * 60 + 15 {
        let late = 6 * 60 + 15;
        sketch.block(habits.wakes, late_minutes(late, habits.wakes), half);
    }
}

fn late_minutes(until: i32, from: i32) -> i32 {
    until.saturating_sub(from).max(0)
}

/// Television, computers, fans: while somebody is home and awake.
pub(crate) fn screens_and_fans(
    sketch: &mut Sketch,
    draw: &mut Draw,
    habits: &Habits,
    today: Today,
) {
    let bed = habits.sleeps.saturating_add(draw.between(-30, 20));
    let evening = draw.about(17 * 60 + 45, 20 * 60);
    sketch.block(evening, late_minutes(bed, evening), habits.screen_w);
    if today.is_weekend() || habits.home_by_day {
        let from = habits.wakes.saturating_add(draw.between(60, 240));
        sketch.block(from, draw.between(90, 300), habits.screen_w);
    }
    if today.temperature > 225 && habits.air_conditioners == 0 {
        let fans = habits.people.saturating_add(1).div_euclid(2);
        let watts = fans.saturating_mul(55);
        sketch.block(0, habits.wakes, watts);
        sketch.block(habits.sleeps.saturating_sub(60), 24 * 60, watts);
    }
}

/// Microwave, oven, coffee.
pub(crate) fn kitchen(sketch: &mut Sketch, draw: &mut Draw, habits: &Habits, today: Today) {
    sketch.block(habits.wakes.saturating_add(draw.between(10, 45)), draw.between(3, 9), 900);
    let lunch = today.is_weekend() || habits.home_by_day;
    if lunch {
        sketch.block(draw.about(11 * 60, 13 * 60), draw.between(3, 8), 1250);
    }
    sketch.block(draw.about(18 * 60, 20 * 60 + 30), draw.between(3, 10), 1250);
    if habits.cooks_electric && draw.chance(if lunch { 65 } else { 40 }) {
        let at = if lunch { draw.about(10 * 60 + 30, 12 * 60 + 30) } else { 18 * 60 + 45 };
        sketch.block(at, draw.between(15, 40), 1400);
    }
}

/// Washing machine and iron on the household's days.
pub(crate) fn laundry(sketch: &mut Sketch, draw: &mut Draw, habits: &Habits, today: Today) {
    if !habits.washes_on.get(today.weekday).copied().unwrap_or(false) {
        return;
    }
    let at =
        if today.is_weekend() { draw.about(8 * 60, 12 * 60) } else { draw.about(17 * 60, 20 * 60) };
    sketch.block(at, draw.between(45, 75), 320);
    if draw.chance(45) {
        sketch.block(
            at.saturating_add(draw.between(80, 160)).min(21 * 60),
            draw.between(20, 45),
            1000,
        );
    }
}

/// Air conditioning of one night: `share` draws its strength, the same before and after midnight.
pub(crate) fn night_cooling(
    sketch: &mut Sketch,
    night: &mut Draw,
    habits: &Habits,
    temperature: i32,
    part: NightPart,
) {
    for _ in 0..habits.air_conditioners {
        let runs = temperature >= habits.cools_from && night.chance(88);
        let above = temperature.saturating_sub(200).max(10);
        let watts = 180_i32
            .saturating_add(above.saturating_mul(7))
            .saturating_mul(night.between(80, 120))
            .div_euclid(100)
            .min(1100);
        let on = habits.sleeps.saturating_add(night.between(-100, -20));
        let off = habits.wakes.saturating_add(night.between(-90, 10));
        if runs {
            match part {
                NightPart::Evening => sketch.block(on, 24 * 60, watts),
                NightPart::Morning => sketch.block(0, off, watts),
            }
        }
    }
}

/// Which end of a night falls on the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NightPart {
    /// From bedtime to midnight.
    Evening,
    /// From midnight to waking.
    Morning,
}

/// Electric heaters in a cold climate.
pub(crate) fn heating(sketch: &mut Sketch, draw: &mut Draw, habits: &Habits, today: Today) {
    if today.climate.is_warm() || today.temperature > 110 {
        return;
    }
    let minutes = 110_i32.saturating_sub(today.temperature).saturating_mul(2).clamp(20, 240);
    let blocks = if habits.home_by_day || today.is_weekend() { 3 } else { 2 };
    for _ in 0..blocks {
        let at = if draw.chance(35) { habits.wakes } else { draw.about(16 * 60, 22 * 60) };
        sketch.block(at, minutes.div_euclid(blocks), 1500);
    }
}

/// A shop in opening hours.
pub(crate) fn shop(sketch: &mut Sketch, draw: &mut Draw, habits: &Habits, today: Today) {
    let (open, close) = match today.weekday {
        6 => return,
        5 => (habits.opens, 13 * 60),
        _ => (habits.opens, habits.closes),
    };
    let open = open.saturating_add(draw.between(-12, 12));
    let close = close.saturating_add(draw.between(-10, 25));
    let hours = late_minutes(close, open);
    sketch.block(open, hours, habits.lights_w);
    sketch.block(open, hours, habits.people.saturating_mul(90));
    if today.temperature >= 210 && today.climate.is_warm() {
        let watts = today.temperature.saturating_sub(180).saturating_mul(12).clamp(300, 1600);
        sketch.block(
            open.saturating_add(90),
            hours.saturating_sub(120),
            watts.saturating_mul(habits.air_conditioners),
        );
    }
    // The sign stays lit in the evening.
    sketch.block(today.dusk, late_minutes(22 * 60, today.dusk), habits.lights_w.div_euclid(6));
}

/// A bakery's ovens, mixers and counter.
pub(crate) fn bakery(sketch: &mut Sketch, draw: &mut Draw, habits: &Habits, today: Today) {
    let batches = if today.is_weekend() { 4 } else { 3 };
    for batch in 0..batches {
        let at = habits.opens.saturating_add(i32::saturating_mul(batch, 55));
        sketch.block(at.saturating_add(draw.between(0, 15)), draw.between(32, 45), 6500);
        sketch.block(at.saturating_sub(25).max(0), 20, 1100);
    }
    for hour in [10, 15, 17] {
        let at = i32::saturating_mul(hour, 60).saturating_add(draw.between(-20, 20));
        sketch.block(at, draw.between(30, 45), 6500);
    }
    sketch.block(5 * 60 + 30, 14 * 60 + 30, habits.lights_w);
    sketch.block(5 * 60 + 30, 14 * 60 + 30, 750);
}
