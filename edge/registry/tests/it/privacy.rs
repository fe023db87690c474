use std::collections::BTreeSet;

use corrente_registry::privacy::{self, Privacy};

use super::town::Town;

#[test]
fn every_column_says_what_it_tells_of_a_person() {
    let town = Town::new();
    let schema = rusqlite::Connection::open(town.registry.path()).unwrap();
    let mut statement = schema
        .prepare(
            "SELECT t.name, c.name FROM pragma_table_list t JOIN pragma_table_info(t.name) c
             WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite_%'",
        )
        .unwrap();
    let real: BTreeSet<(String, String)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let said: BTreeSet<(String, String)> =
        privacy::columns().into_iter().map(|c| (c.table, c.column)).collect();
    assert!(real.len() > 150, "{}", real.len());
    let silent: Vec<_> = real.difference(&said).collect();
    assert!(silent.is_empty(), "write public, personal or secret beside: {silent:?}");
    let gone: Vec<_> = said.difference(&real).collect();
    assert!(gone.is_empty(), "not in the schema: {gone:?}");
}

#[test]
fn whatever_opens_something_is_secret() {
    for column in privacy::columns() {
        if column.column.ends_with("_hash") {
            assert_eq!(column.privacy, Privacy::Secret, "{}.{}", column.table, column.column);
        }
    }
}

#[test]
fn every_table_carries_its_organisation() {
    let columns = privacy::columns();
    let tables: BTreeSet<&str> = columns.iter().map(|c| c.table.as_str()).collect();
    for table in tables.into_iter().filter(|table| *table != "organisation") {
        assert!(
            columns.iter().any(|c| c.table == table && c.column == "organisation"),
            "{table} has no organisation"
        );
    }
}

#[test]
fn tables_are_strict() {
    let town = Town::new();
    let schema = rusqlite::Connection::open(town.registry.path()).unwrap();
    let loose: i64 = schema
        .query_row(
            "SELECT count(*) FROM pragma_table_list
             WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(loose, 0);
}
