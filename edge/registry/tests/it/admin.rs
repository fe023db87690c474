use corrente_registry::{
    RegistryError,
    admin::{self, By, ImportFile, ImportKind, ImportRefusal, Imported},
    audit, codes, customers, meters,
    organisations::{self, NewOrganisation},
    passwords, usage_points, users,
};

use super::town::{NOW, Town};

const TARIFF: &str = r#"
form = "corrente.tariff/1"
code = "flat-040"
version = "1"
name = "Tarifa única"
currency = "BRL"
valid_from = 2000-01-01

[[energy]]
code = "energy"
label = "Energia"
price = 0.40
"#;

fn by() -> By {
    By::command_line(NOW, NOW.plus(7))
}

fn import(town: &Town, files: &[(ImportKind, &str)]) -> Result<Imported, Vec<String>> {
    let organisation = town.organisation;
    let files: Vec<ImportFile> = files
        .iter()
        .map(|(kind, text)| ImportFile {
            kind: *kind,
            name: format!("{kind:?}.csv"),
            text: (*text).to_owned(),
        })
        .collect();
    town.registry.write_blocking(move |tx| admin::import(tx, &by(), organisation, &files)).map_err(
        |refusal| match refusal {
            ImportRefusal::Mistakes(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
            ImportRefusal::Registry(error) => vec![error.to_string()],
        },
    )
}

#[test]
fn a_town_comes_from_four_files() {
    let town = Town::new();
    let organisation = town.organisation;
    town.write(move |tx| admin::store_tariff(tx, &by(), organisation, TARIFF));
    let imported = import(
        &town,
        &[
            (ImportKind::Agreements, "usage_point,tariff,from\nRua A 1,flat-040,2026-01-01\n"),
            (
                ImportKind::Meters,
                "serial;usage_point;installed_from;export\nM-1;Rua A 1;2026-01-01;sim\n"
                    .replace("sim", "yes")
                    .as_str(),
            ),
            (
                ImportKind::UsagePoints,
                "\u{feff}name,customer,phases\nRua A 1,7,3\n\"Rua B, 2\",,\n",
            ),
            (ImportKind::Customers, "number,name,email\n7,Ana,ana@example.com\n8,Bia,\n"),
        ],
    )
    .unwrap();
    assert_eq!((imported.customers, imported.usage_points, imported.agreements), (2, 2, 1));
    assert_eq!((imported.meters.len(), imported.codes.len()), (1, 1));
    let hash = passwords::hash("uma senha longa").unwrap();
    town.write(move |tx| {
        let point = usage_points::by_name(tx, organisation, "Rua A 1")?.unwrap();
        assert_eq!(point.phases, 3);
        let secret = imported.meters[0].secret.reveal();
        let meter = meters::authenticate(tx, "M-1", secret)?.unwrap();
        assert_eq!((meter.usage_point, meter.channels.len()), (Some(point.id), 2));
        // 2026-01-01 begins at three o'clock UTC in Bahia.
        assert_eq!(meter.installed_from.to_string(), "2026-01-01T03:00:00Z");
        let user = codes::redeem(tx, imported.codes[0].code.reveal(), &hash, NOW)?.unwrap();
        let seen = usage_points::list_for_user(tx, &user)?;
        assert_eq!(seen.iter().map(|p| p.id).collect::<Vec<_>>(), [point.id]);
        let log = audit::list(tx, organisation, 100)?;
        let actions: Vec<_> = log.iter().map(|entry| entry.action.as_str()).collect();
        for action in ["tariff.store", "customer.create", "meter.register", "agreement.create"] {
            assert!(actions.contains(&action), "{action} is missing in {actions:?}");
        }
        assert!(log.iter().all(|e| (e.business, e.real) == (NOW, NOW.plus(7))));
        let told = format!("{log:?}");
        assert!(!told.contains(imported.meters[0].secret.reveal()), "no secret in the log");
        Ok(())
    });
}

#[test]
fn a_file_with_mistakes_imports_nothing_and_names_each() {
    let town = Town::new();
    let organisation = town.organisation;
    town.write(move |tx| admin::store_tariff(tx, &by(), organisation, TARIFF));
    let check = |files: &[(ImportKind, &str)], expected: &[&str]| {
        let mistakes = import(&town, files).unwrap_err();
        assert_eq!(mistakes, expected);
        let left = town.read(move |tx| {
            Ok((
                customers::list(tx, organisation)?.len(),
                usage_points::list_all(tx, organisation)?.len(),
                meters::list(tx, organisation)?.len(),
                users::list(tx, organisation)?.len(),
            ))
        });
        assert_eq!(left, (0, 0, 0, 0), "half imported");
    };
    check(
        &[
            (ImportKind::UsagePoints, "name\na\nb\nc\n"),
            (ImportKind::Meters, "serial,usage_point\nM-1,a\nM-1,b\nM-2,a\nM-3,nowhere\n,c\n"),
        ],
        &[
            "Meters.csv:3: serial: `M-1` stands on line 2 of Meters.csv too; keep one of them",
            "Meters.csv:4: usage_point: another meter stands at `a`; end its installation first, or name another usage point",
            "Meters.csv:5: usage_point: there is no usage point `nowhere`; add the usage point, or mend the value",
            "Meters.csv:6: serial: it is empty; fill it in",
        ],
    );
    check(
        &[
            (ImportKind::UsagePoints, "name\na\n"),
            (
                ImportKind::Agreements,
                "usage_point,tariff,from\na,B1,2026-01-01\na,flat-040,1/1/26\n",
            ),
        ],
        &[
            "Agreements.csv:2: tariff: there is no tariff `B1`; store its tariff file first, or name one of flat-040",
            "Agreements.csv:3: from: `1/1/26` is not a date; write it as 2026-11-23",
        ],
    );
    check(
        &[(ImportKind::Customers, "number,nome\n1,Ana\n")],
        &[
            "Customers.csv:1: name: the column is missing; add a column named name to the first line",
            "Customers.csv:1: nome: the column is not known; columns are number, name, document, email, phone, address, language",
        ],
    );
    check(
        &[
            (ImportKind::Customers, "number,name,email\n1,Ana,ana\n2,Bia\n"),
            (ImportKind::UsagePoints, "name,phases,zone,customer\nx,4,,\ny,,Bahia,\nz,,,9\n"),
        ],
        &[
            "Customers.csv:3: (line): 2 values, the header has 3; give each line as many values; put a value with a separator in quotes",
            "Customers.csv:2: email: `ana` is not an e-mail address such as ana@example.com; write an allowed value",
            "UsagePoints.csv:2: phases: `4` is not a whole number from 1 to 3; write such a number",
            "UsagePoints.csv:3: zone: `Bahia` is not a time zone: use an IANA name such as America/Bahia or Europe/London; write an allowed value",
            "UsagePoints.csv:4: customer: there is no customer `9`; add the customer, or mend the value",
        ],
    );
}

#[test]
fn importing_the_same_file_again_is_told_and_changes_nothing() {
    let town = Town::new();
    let file = [(ImportKind::Customers, "number,name\n1,Ana\n")];
    assert_eq!(import(&town, &file).unwrap().customers, 1);
    assert_eq!(
        import(&town, &file).unwrap_err(),
        [
            "Customers.csv:2: number: there is a customer `1` already; take the line out, or change the value"
        ]
    );
}

#[test]
fn the_first_administrator_is_made_once() {
    let town = Town::new();
    let organisation = town.organisation;
    let link = move |tx: &mut _| {
        admin::first_administrator(tx, &by(), organisation, "Admin@Example.com", "Admin")
    };
    let lost = town.write(link);
    let code = town.write(link);
    assert_ne!(lost, code, "asked again before it was used, it gives another code");
    let hash = passwords::hash("uma senha longa").unwrap();
    town.write(move |tx| {
        let late = NOW.plus(7 + admin::FIRST_ADMIN_SECONDS);
        assert!(codes::redeem(tx, code.reveal(), &hash, late)?.is_none());
        let user = codes::redeem(tx, code.reveal(), &hash, NOW)?.unwrap();
        assert_eq!(user.role, users::Role::Admin);
        Ok(())
    });
    let error = town.registry.write_blocking(link).unwrap_err();
    assert!(error.to_string().contains("there is one already"), "{error}");
}

#[test]
fn nothing_of_another_organisation_is_touched() {
    let town = Town::new();
    let ana = town.customer("Ana");
    let home = town.usage_point("home", None);
    let other = town.write(|tx| {
        organisations::insert(tx, &NewOrganisation::named("Other", "Europe/London"), NOW)
    });
    town.write(move |tx| {
        let there = organisations::get(tx, other)?.unwrap();
        let mut point = usage_points::NewUsagePoint::named(&there, "x");
        point.customer = Some(ana);
        assert!(admin::create_usage_point(tx, &by(), &point).is_err());
        let token = corrente_registry::enrolment::NewToken::for_usage_point(other, home, "theirs");
        assert!(admin::create_token(tx, &by(), &token).is_err());
        assert!(
            admin::agree(tx, &by(), other, "home", "x", "2026-01-01".parse().unwrap()).is_err()
        );
        Ok(())
    });
}

#[test]
fn a_version_that_claims_days_of_another_is_not_stored() {
    let town = Town::new();
    let organisation = town.organisation;
    let version = |version: &str, from: &str, until: &str| {
        let until =
            if until.is_empty() { String::new() } else { format!("valid_until = {until}\n") };
        format!(
            "code = \"t\"\nversion = \"{version}\"\nname = \"T\"\ncurrency = \"BRL\"\nvalid_from = {from}\n{until}\
             [[energy]]\ncode = \"e\"\nlabel = \"E\"\nprice = 0.{version}\n"
        )
    };
    let store = |text: String| {
        let stored: Result<_, RegistryError> = town
            .registry
            .write_blocking(move |tx| admin::store_tariff(tx, &by(), organisation, &text));
        stored.map(|stored| stored.number)
    };
    assert!(store(version("1", "2026-01-01", "2026-07-01")).is_ok());
    let error = store(version("2", "2026-06-01", "")).unwrap_err().to_string();
    assert!(error.contains("both hold on 2026-06-01"), "{error}");
    assert!(store(version("2", "2026-07-01", "")).is_ok());
    // The same file again, and a mended version from the same day.
    assert!(store(version("2", "2026-07-01", "")).is_ok());
    assert!(store(version("3", "2026-07-01", "2027-01-01")).is_ok());
    assert!(store(version("4", "2026-12-01", "")).is_err());
}
