use super::*;

fn read(text: &str) -> Statements {
    let mut statements = Statements::default();
    statements.read(text);
    statements
}

fn check(text: &str, expected: &[SqlKind]) {
    let found = read(text);
    assert_eq!(found.kinds, expected, "{text}");
    assert!(found.is_whole(), "{text}");
}

#[test]
fn statements_that_remove_are_told_in_every_spelling() {
    use SqlKind::{DeleteAll, Drop, Truncate};
    for text in [
        "DROP TABLE users",
        "drop/**/table users",
        "DROP -- x\n TABLE users",
        "/*!50000 drop table users */",
        "select 1; drop materialized view v",
        "drop owned by ada",
        "drop extension x cascade",
        "alter table users drop column name",
        "ALTER TABLE users DROP name",
        "begin; drop table t; commit",
        "do $$ begin drop table users; end $$",
        "execute 'drop table users'",
        "psql -U ada -c \"drop table users\"",
        "create table x(a int); drop schema public cascade",
        "drop temporary table t",
        "drop warehouse w",
        "drop operator + (int, int)",
        "drop cast (int as text)",
        "drop table if exists t",
    ] {
        check(text, &[Drop]);
    }
    for text in [
        "truncate users",
        "TRUNCATE TABLE a, b",
        "TRUNCATE \"users\" CASCADE",
    ] {
        check(text, &[Truncate]);
    }
    for text in [
        "delete from users",
        "DELETE FROM \"users\";",
        "delete u from users u",
        "delete from users where 1",
        "delete from users where 1=1",
        "delete from users where true",
        "delete from users where id > 0",
        "delete from users where id is not null",
        "delete from users where id = 7 or 1 = 1",
        "delete from users returning *",
        "with gone as (delete from t returning *) select * from gone where a = 1",
        "explain analyze delete from t",
        "match (n) detach delete n",
    ] {
        check(text, &[DeleteAll]);
    }
}

#[test]
fn other_statements_that_are_asked_about_are_told() {
    use SqlKind::{Grant, Outside, Secret, Server, UpdateAll};
    for (text, expected) in [
        ("update users set admin = true", UpdateAll),
        ("update users u set a = 1 where 1 = 1", UpdateAll),
        ("grant all on t to public", Grant),
        ("alter role ada superuser", Grant),
        ("create user eve", Grant),
        ("copy t to program 'sh'", Outside),
        ("copy t from program 'sh'", Outside),
        ("copy t to '/home/ada/.bashrc'", Outside),
        ("copy t to 's3://bucket/x'", Outside),
        ("select 1 into outfile '/tmp/x'", Outside),
        ("select writefile('/tmp/.x', 'y')", Outside),
        ("select pg_read_file('/etc/passwd')", Outside),
        ("create extension if not exists plpython3u", Outside),
        (
            "create subscription s connection 'host=h' publication p",
            Outside,
        ),
        ("select * from pg_shadow", Secret),
        ("select * from mysql.user", Secret),
        ("alter system set archive_command = 'x'", Server),
        ("reset master", Server),
        ("shutdown", Server),
    ] {
        let found = read(text);
        assert!(found.does(expected), "{text}: {found:?}");
    }
}

#[test]
fn ordinary_statements_and_other_texts_have_no_kind() {
    for text in [
        "select * from users",
        "delete from users where id = 12",
        "update t set a = 1 where id = 2",
        "insert into notes values ('drop table users')",
        "insert into t values (1) on conflict (id) do update set a = 1",
        "create table a (b int references c on delete cascade)",
        "select 'delete from users'",
        "create extension if not exists pgcrypto",
        "copy t to '/tmp/t.csv'",
        "select * from t for update",
        "alter table t add column c int",
        "shop.db",
        "drop",
        "drop it",
        "drop(a, b, c)",
        "select a[1], b['x'], '{\"a\": \"#\"}'::json #> '{a}' -- it's $1",
        "insert into t values ('C:\\x', 'drop table users') /* it's */",
        "delete",
        "truncate",
        "postgres://ada@localhost/shop",
        "",
    ] {
        check(text, &[]);
    }
}

#[test]
fn quotes_and_comments_of_no_database_hide_a_statement() {
    for text in [
        "select 1--1; drop table users",
        r"select '\''; drop table users; -- '",
        "select 1; # '\ndrop table users; # '",
        "select $$'$$; drop table users; --'",
        "select $a$ $$ ' $a$; drop table users; --'",
        r"select E'\''; drop table users; --'",
        "select 1 /* /* */ ' */; drop table users; --'",
        "select 1 /* /* */; drop table users; -- */",
        "select 1 /*! ' */; drop table users; --'",
        "select [']; drop table users; --']",
        "select `'`; drop table users; --'",
        "select 1; -- '\rdrop table users; --'",
        r#"select "\""; drop table users; -- ""#,
    ] {
        assert!(read(text).does(SqlKind::Drop), "{text}");
    }
}

#[test]
fn what_is_too_long_or_too_deep_is_not_whole() {
    let calm = "select a from t where b = 'c'; ".repeat(2_000);
    assert!(read(&calm).is_whole());
    for text in [
        "(delete x".repeat(7_000),
        "(update x".repeat(7_000),
        ";".repeat(STEPS_MAX + 1),
        format!("select '{}", "x\\#$[`/*--".repeat(6_000)),
    ] {
        let found = read(&text);
        assert!(!found.is_whole(), "{}", text.len());
        assert_eq!(found.steps, 0);
    }
    // The brackets of a statement are not left, so that each is looked at once.
    assert!(read(&"(delete from x where a = 1)".repeat(2_400)).is_whole());
    assert!(read(&format!("delete from t where {}1", "(".repeat(30_000))).is_whole());
    let mut deep = "'x'".to_owned();
    for depth in 0..6 {
        deep = format!("execute {deep}");
        assert_eq!(
            read(&deep).is_whole(),
            depth < usize::from(DEPTH_MAX),
            "{deep}"
        );
        deep = format!("'{}'", deep.replace('\'', "''"));
    }
}
