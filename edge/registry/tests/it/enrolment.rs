use corrente_metering::{ChannelKind, Span, Timestamp};
use corrente_registry::{
    channels::NewChannel,
    enrolment::{self, EnrolmentRefusal, NewToken, Redemption},
    lab,
    meters::{self, MeterAccess, NewMeter},
    organisations,
    secrets::Secret,
    usage_points,
};
use corrente_units::Energy;

use super::town::{NOW, Town};

fn redeem(
    town: &Town,
    token: &Secret,
    serial: &'static str,
    usage_point: Option<&'static str>,
) -> Result<(MeterAccess, Secret), EnrolmentRefusal> {
    let token = token.reveal().to_owned();
    town.registry.write_blocking(move |tx| {
        let channels = [NewChannel::import()];
        enrolment::redeem(
            tx,
            &Redemption { token: &token, serial, usage_point, channels: &channels, now: NOW },
        )
    })
}

#[test]
fn a_meter_comes_in_by_a_token_and_then_by_its_secret() {
    let town = Town::new();
    let organisation = town.organisation;
    let token =
        town.write(move |tx| enrolment::create(tx, &NewToken::open(organisation, "all"), NOW));
    let (access, secret) = redeem(&town, &token, "M-1", None).unwrap();
    assert!(meters::verify_secret(&access, secret.reveal()));
    assert!(!meters::verify_secret(&access, "meter_guess"));
    assert_eq!(access.installed_from, NOW);
    assert_eq!(access.channels.len(), 1);
    assert_eq!(access.channels[0].kind, ChannelKind::Register);
    assert_eq!(access.channels[0].offset_seconds, -3 * 3600);

    let known = access.clone();
    town.read(move |tx| {
        assert_eq!(meters::find_by_serial(tx, "M-1")?, Some(known.clone()));
        assert_eq!(meters::authenticate(tx, "M-1", secret.reveal())?, Some(known.clone()));
        assert_eq!(meters::authenticate(tx, "M-1", "meter_guess")?, None);
        let point = usage_points::get(tx, known.usage_point.unwrap())?.unwrap();
        assert_eq!(point.name, "M-1");
        Ok(())
    });

    let (same, newer) = redeem(&town, &token, "M-1", None).unwrap();
    assert_eq!(same.meter, access.meter);
    assert!(meters::verify_secret(&same, newer.reveal()));
}

#[test]
fn what_a_token_does_not_allow_is_refused() {
    let town = Town::new();
    let organisation = town.organisation;
    let home = town.usage_point("home", None);
    let make = |new: NewToken| town.write(move |tx| enrolment::create(tx, &new, NOW));
    let once = make(NewToken::for_usage_point(organisation, home, "home"));
    let late = make(NewToken { expires: Some(NOW.plus(-1)), ..NewToken::open(organisation, "x") });
    let open = make(NewToken::open(organisation, "x"));

    let refused = |token: &Secret, serial, place| redeem(&town, token, serial, place).unwrap_err();
    assert!(matches!(
        refused(&Secret::given("enrol_guess"), "M-1", None),
        EnrolmentRefusal::UnknownToken
    ));
    assert!(matches!(refused(&late, "M-1", None), EnrolmentRefusal::Expired));
    assert!(matches!(
        refused(&once, "M-1", Some("elsewhere")),
        EnrolmentRefusal::OtherUsagePoint(_)
    ));
    let (access, _) = redeem(&town, &once, "M-1", None).unwrap();
    assert_eq!(access.usage_point, Some(home));
    assert!(matches!(refused(&open, "M-1", None), EnrolmentRefusal::SerialTaken(_)));
    town.write(move |tx| enrolment::confirm(tx, access.meter));
    assert!(matches!(refused(&once, "M-1", None), EnrolmentRefusal::SerialTaken(_)));
    assert!(matches!(refused(&once, "M-2", None), EnrolmentRefusal::UsedUp));
    assert!(matches!(refused(&open, "M-1", None), EnrolmentRefusal::SerialTaken(_)));
    assert!(matches!(refused(&open, "M-3", Some("home")), EnrolmentRefusal::Occupied(_)));
    // A refusal leaves nothing behind.
    assert_eq!(town.read(move |tx| meters::list(tx, organisation)).len(), 1);

    town.write(move |tx| {
        let open = enrolment::list(tx, organisation)?.pop().unwrap();
        assert!(enrolment::revoke(tx, organisation, open.id, NOW)?);
        Ok(())
    });
    assert!(matches!(refused(&open, "M-4", None), EnrolmentRefusal::UnknownToken));
}

#[test]
fn a_meter_that_never_heard_its_secret_comes_in_again() {
    let town = Town::new();
    let organisation = town.organisation;
    let home = town.usage_point("home", None);
    let new = NewToken::for_usage_point(organisation, home, "home");
    let once = town.write(move |tx| enrolment::create(tx, &new, NOW));
    let (access, lost) = redeem(&town, &once, "M-1", None).unwrap();
    let meter = access.meter;
    // The server died before it said the secret: nobody has used it.
    let (same, heard) = redeem(&town, &once, "M-1", None).unwrap();
    assert_eq!((same.meter, same.usage_point), (meter, Some(home)));
    assert!(!meters::verify_secret(&same, lost.reveal()), "the lost secret opens nothing");
    assert!(meters::verify_secret(&same, heard.reveal()));
    // Nobody else comes in by the used token, and nobody by another one.
    assert!(matches!(redeem(&town, &once, "M-2", None), Err(EnrolmentRefusal::UsedUp)));
    assert!(town.read(move |tx| enrolment::is_unconfirmed(tx, meter)));
    assert!(town.write(move |tx| enrolment::confirm(tx, meter)));
    assert!(!town.write(move |tx| enrolment::confirm(tx, meter)), "it was confirmed already");
    assert!(matches!(redeem(&town, &once, "M-1", None), Err(EnrolmentRefusal::SerialTaken(_))));
}

#[test]
fn recorded_data_names_its_usage_point_and_begins_earlier() {
    let town = Town::new();
    let organisation = town.organisation;
    let long_ago = Timestamp::from_second(1_300_000_000);
    let new = NewToken { installed_from: Some(long_ago), ..NewToken::open(organisation, "replay") };
    let token = town.write(move |tx| enrolment::create(tx, &new, NOW));
    let (access, _) = redeem(&town, &token, "R-1", Some("MAC000002")).unwrap();
    assert_eq!(access.installed_from, long_ago);
    town.read(move |tx| {
        let point = usage_points::by_name(tx, organisation, "MAC000002")?.unwrap();
        assert_eq!(Some(point.id), access.usage_point);
        let span = Span::new(long_ago.plus(-10), long_ago.plus(10));
        assert_eq!(usage_points::channels(tx, point.id, span)?.len(), 1);
        let before = Span::new(long_ago.plus(-10), long_ago);
        assert!(usage_points::channels(tx, point.id, before)?.is_empty());
        Ok(())
    });
}

#[test]
fn an_exchange_is_two_installations() {
    let town = Town::new();
    let organisation = town.organisation;
    let home = town.usage_point("home", None);
    let exchange = NOW.plus(1000);
    let make = move |tx: &mut corrente_registry::Tx, serial: &str| {
        let new = NewMeter {
            organisation,
            serial,
            secret: None,
            model: None,
            reporting_seconds: 900,
            enrolled_by: None,
        };
        meters::insert(tx, &new, NOW)
    };
    town.write(move |tx| {
        let (old, new) = (make(tx, "old")?, make(tx, "new")?);
        meters::install(tx, old, home, NOW, None)?;
        meters::add_channel(tx, old, &NewChannel::import(), NOW)?;
        let twice = meters::install(tx, new, home, exchange, None).unwrap_err();
        assert!(twice.to_string().contains("another meter stands"), "{twice}");
        assert!(meters::remove(tx, old, exchange)?);
        meters::install(tx, new, home, exchange, None)?;
        meters::add_channel(tx, new, &NewChannel::import(), NOW)?;
        let found = usage_points::channels(tx, home, Span::new(NOW, exchange.plus(10)))?;
        let serials: Vec<_> = found.iter().map(|c| (c.serial.as_str(), c.from, c.until)).collect();
        assert_eq!(serials, [("old", NOW, Some(exchange)), ("new", exchange, None)]);
        assert_eq!(meters::all_channel_specs(tx)?.len(), 2);
        Ok(())
    });
}

#[test]
fn the_prototypes_numbers_are_given_once() {
    let town = Town::new();
    let organisation = town.organisation;
    assert_eq!(town.write(lab::reserve_id), "1");
    let measurer = town.write(move |tx| {
        let organisation = organisations::get(tx, organisation)?.unwrap();
        lab::register(tx, &organisation, "America/Bahia", "2", NOW)
    });
    assert_eq!(town.write(lab::reserve_id), "3", "2 was taken by its own word");
    town.write(move |tx| {
        let organisation = organisations::get(tx, organisation)?.unwrap();
        assert_eq!(lab::register(tx, &organisation, "UTC", "2", NOW)?, measurer);
        for (text, wh) in [("12.0", 12_000), ("13", 13_000)] {
            lab::append(tx, "2", "2023-03-20 10:11:12", text, NOW, Energy::from_wh(wh))?;
        }
        let history = lab::history(tx, "2", lab::Labelled::Ever)?;
        let seen: Vec<_> =
            history.iter().map(|r| (r.sequence, r.consumption_text.as_str())).collect();
        assert_eq!(seen, [(1, "12.0"), (2, "13")]);
        assert_eq!(lab::last(tx, "2")?.unwrap().energy, Energy::from_wh(13_000));
        assert!(lab::append(tx, "9", "", "", NOW, Energy::ZERO).is_err());
        Ok(())
    });
}
