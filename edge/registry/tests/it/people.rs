use corrente_registry::{
    RegistryError, api_tokens, codes,
    organisations::{self, NewOrganisation},
    passwords,
    sessions::{self, NewSession, Owner},
    sign_in, usage_points,
    users::{self, NewUser, Role},
};

use super::town::{NOW, Town};

#[test]
fn a_customer_sees_only_the_own_usage_points() {
    let town = Town::new();
    let (ana, bia) = (town.customer("Ana"), town.customer("Bia"));
    let home = town.usage_point("Ana's home", Some(ana));
    let shop = town.usage_point("Ana's shop", Some(ana));
    let other = town.usage_point("Bia's home", Some(bia));
    let nobodys = town.usage_point("nobody's", None);
    let ana_user = town.user("ana@example.com", Role::Customer, Some(ana));
    let lost_user = town.user("lost@example.com", Role::Customer, None);
    let operator = town.user("op@example.com", Role::Operator, None);
    let stranger = town.write(|tx| {
        let elsewhere =
            organisations::insert(tx, &NewOrganisation::named("Elsewhere", "Europe/London"), NOW)?;
        users::insert(
            tx,
            &NewUser {
                organisation: elsewhere,
                customer: None,
                email: "op@elsewhere.example".to_owned(),
                name: "Op".to_owned(),
                role: Role::Admin,
                password_hash: None,
                language: None,
            },
            NOW,
        )
    });
    for (user, sees) in [
        (ana_user, vec![home, shop]),
        (lost_user, vec![]),
        (operator, vec![home, shop, other, nobodys]),
        (stranger, vec![]),
    ] {
        town.read(move |tx| {
            let user = users::get(tx, user)?.unwrap();
            let mut listed: Vec<_> =
                usage_points::list_for_user(tx, &user)?.iter().map(|point| point.id).collect();
            let mut expected = sees.clone();
            listed.sort();
            expected.sort();
            assert_eq!(listed, expected, "{}", user.email);
            for point in [home, shop, other, nobodys] {
                let visible = usage_points::visible_to(tx, &user, point)?.is_some();
                assert_eq!(visible, sees.contains(&point), "{} {point}", user.email);
            }
            Ok(())
        });
    }
}

#[test]
fn an_address_is_one_user_however_it_is_written() {
    let town = Town::new();
    let id = town.user("Ana@Example.com", Role::Customer, None);
    let found = town.read(|tx| users::by_email(tx, " ANA@example.com ")).unwrap();
    assert_eq!((found.id, found.email.as_str()), (id, "ana@example.com"));
    let organisation = town.organisation;
    for (email, words) in
        [("ana@example.COM", "email of a user account"), ("ana", "e-mail address")]
    {
        let error = town
            .registry
            .write_blocking(move |tx| {
                let new = NewUser {
                    organisation,
                    customer: None,
                    email: email.to_owned(),
                    name: String::new(),
                    role: Role::Customer,
                    password_hash: None,
                    language: None,
                };
                users::insert(tx, &new, NOW)
            })
            .unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn a_session_lasts_until_it_ends() {
    let town = Town::new();
    let user = town.user("ana@example.com", Role::Customer, None);
    let organisation = town.organisation;
    let begin = move |tx: &mut corrente_registry::Tx| {
        let new = NewSession {
            organisation,
            owner: Owner::User(user),
            address: None,
            agent: None,
            lifetime_seconds: 100,
        };
        sessions::create(tx, &new, NOW)
    };
    let cookie = town.write(begin).reveal().to_owned();
    town.write(move |tx| {
        assert!(sessions::find(tx, &cookie, NOW.plus(101))?.is_none());
        let session = sessions::find(tx, &cookie, NOW.plus(99))?.unwrap();
        assert_ne!(session.id, cookie, "the cookie itself is not stored");
        sessions::touch(tx, &session.id, NOW.plus(99), NOW.plus(199))?;
        assert!(sessions::find(tx, &cookie, NOW.plus(150))?.is_some());
        assert_eq!(sessions::end_all(tx, user)?, 1);
        assert!(sessions::find(tx, &cookie, NOW)?.is_none());
        Ok(())
    });
}

#[test]
fn a_code_sets_a_password_once_and_ends_the_sessions() {
    let town = Town::new();
    let user = town.user("ana@example.com", Role::Customer, None);
    let organisation = town.organisation;
    let code = town.write(move |tx| {
        codes::create(tx, organisation, codes::Purpose::SignIn, Some(user), NOW.plus(60), NOW)
    });
    let hash = passwords::hash("uma senha longa").unwrap();
    town.write(move |tx| {
        assert!(codes::redeem(tx, "code_wrong", &hash, NOW)?.is_none());
        assert!(codes::redeem(tx, code.reveal(), &hash, NOW.plus(61))?.is_none());
        let user = codes::redeem(tx, code.reveal(), &hash, NOW)?.unwrap();
        assert!(passwords::verify("uma senha longa", user.password_hash.as_deref()));
        assert!(codes::redeem(tx, code.reveal(), &hash, NOW)?.is_none());
        Ok(())
    });
}

#[test]
fn a_token_calls_in_a_users_name_until_it_is_revoked() {
    let town = Town::new();
    let user = town.user("ana@example.com", Role::Customer, None);
    town.write(move |tx| {
        let (id, text) =
            api_tokens::create(tx, user, "spreadsheet", api_tokens::Scope::Read, None, NOW)?;
        let (token, owner) = api_tokens::find(tx, text.reveal(), NOW)?.unwrap();
        assert_eq!((token.id, owner.id), (id, user));
        users::set_disabled(tx, user, Some(NOW))?;
        assert!(api_tokens::find(tx, text.reveal(), NOW)?.is_none());
        users::set_disabled(tx, user, None)?;
        assert!(api_tokens::revoke(tx, user, id, NOW)?);
        assert!(api_tokens::find(tx, text.reveal(), NOW)?.is_none());
        Ok(())
    });
}

#[test]
fn failures_are_counted_and_forgotten() {
    let town = Town::new();
    town.write(|tx| {
        let window = NOW.plus(-900);
        for _ in 0..3 {
            sign_in::record_failure(tx, "account:ana", window, NOW)?;
        }
        assert_eq!(sign_in::failures(tx, "account:ana", window)?, 3);
        assert_eq!(sign_in::failures(tx, "account:bia", window)?, 0);
        assert_eq!(sign_in::failures(tx, "account:ana", NOW)?, 0);
        sign_in::clear(tx, "account:ana")?;
        assert_eq!(sign_in::failures(tx, "account:ana", window)?, 0);
        Ok::<_, RegistryError>(())
    });
}
