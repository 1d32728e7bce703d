use super::*;

fn check(text: &str, expected: &[SqlKind]) {
    assert_eq!(kinds(text), expected, "{text}");
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
        let found = kinds(text);
        assert!(found.contains(&expected), "{text}: {found:?}");
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
        "delete",
        "truncate",
        "postgres://ada@localhost/shop",
        "",
    ] {
        check(text, &[]);
    }
}
