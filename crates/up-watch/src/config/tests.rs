//! Tests of the file.

use std::fs;

use super::*;

fn read(text: &str) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("watch.toml");
    fs::write(&path, text).unwrap();
    let variable = |name: &str| (name == "HOOK").then(|| "https://hooks.example.org/T0/B0/x".to_owned());
    let strip = |error: ConfigError| error.to_string().replace(&format!("{}/", folder.path().display()), "");
    Config::read(&path, &variable).map_err(strip)
}

const WHOLE: &str = r#"
[watch]
interval = "30m"
jitter = "1m"
page_url = "https://drift.example.org/"

[[stack]]
file = "stacks/prod.toml"
interval = "10m"
set = { desired_count = 4, size = "4" }

[[stack]]
file = "stacks/prod.toml"
name = "prod-eu"
cron = "0 6 * * *"
timezone = "Europe/Berlin"
state = "s3://state/eu"

[[stack]]
file = "/srv/qa.toml"

[[notify]]
name = "ops"
kind = "slack"
url_env = "HOOK"
stacks = ["prod"]

[[notify]]
name = "audit"
kind = "webhook"
url = "https://audit.example.org/drift"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"#;

#[test]
fn a_whole_file_is_read() {
    let config = read(WHOLE).unwrap();
    let schedules: Vec<_> = config.stacks.iter().map(|it| format!("{} {}", it.name, it.schedule)).collect();
    assert_eq!(schedules, ["prod every 10m", "prod-eu 0 6 * * * (Europe/Berlin)", "qa every 30m"]);
    let set = [("desired_count", "4"), ("size", "\"4\"")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(config.stacks[0].set, set);
    assert!(config.stacks[0].file.ends_with("stacks/prod.toml") && config.stacks[0].file.is_absolute());
    assert_eq!(config.stacks[1].state.as_deref(), Some("s3://state/eu"));
    assert_eq!(config.stacks[2].schedule.jitter, Duration::from_secs(60));
    assert!(config.listen.ip().is_loopback());
    assert_eq!(config.page_url.as_deref(), Some("https://drift.example.org"));
    assert!(!format!("{config:?}").contains("hooks.example.org"), "the address of a webhook is a secret");
}

#[test]
fn a_wrong_file_is_refused_with_what_is_wrong() {
    let stack = "[[stack]]\nfile = \"a.toml\"\n";
    for (text, message) in [
        ("", "watch.toml: there is no `[[stack]]`: nothing is watched"),
        ("[[stack]]\nfil = 1", "watch.toml:2: unknown field `fil`"),
        ("[watch]\ninterval = \"soon\"\n[[stack]]\nfile = \"a.toml\"", "`interval`: `soon` is no time"),
        ("[watch]\nlisten = \"everywhere\"\n[[stack]]\nfile = \"a.toml\"", "`everywhere` is no address"),
        ("[[stack]]\nfile = \"a.toml\"\ninterval = \"1s\"", "`interval` is at least 10 s"),
        ("[[stack]]\nfile = \"a.toml\"\ninterval = \"1h\"\ncron = \"0 * * * *\"", "exclude each other"),
        ("[[stack]]\nfile = \"a.toml\"\ncron = \"0 0 30 2 *\"", "`cron`: `0 0 30 2 *`: "),
        ("[[stack]]\nfile = \"a.toml\"\ncron = \"0 0 * * *\"\ntimezone = \"Mars\"", "there is no time zone `Mars`"),
        ("[[stack]]\nfile = \"a b.toml\"", "`a b` is no name for a stack"),
        (&format!("{stack}{stack}"), "two `[[stack]]` are called `a`"),
        (&format!("{stack}[[notify]]\nname = \"x\"\nkind = \"pager\"\nurl = \"https://x\""), "not `pager`"),
        (&format!("{stack}[[notify]]\nname = \"x\"\nkind = \"slack\""), "`url` or `url_env` is missing"),
        (&format!("{stack}[[notify]]\nname = \"x\"\nkind = \"slack\"\nurl_env = \"NONE\""), "NONE is not set"),
        (&format!("{stack}[[notify]]\nname = \"x\"\nkind = \"slack\"\nurl = \"ftp://x\""), "is not a URL"),
        (
            &format!("{stack}[[notify]]\nname = \"x\"\nkind = \"slack\"\nurl = \"https://x\"\nstacks = [\"b\"]"),
            "there is no stack `b`",
        ),
        (
            &format!("{stack}[[notify]]\nname = \"x\"\nkind = \"webhook\"\nurl = \"https://x\"\nsecret = \"short\""),
            "openssl rand -base64 32",
        ),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.contains(message), "{text}\n{error}");
    }
}

#[test]
fn a_message_shows_no_value() {
    let error = read("[[notify]]\nname = \"x\"\nkind = \"slack\"\nurl = https://hooks/SECRET").unwrap_err();
    assert!(error.starts_with("watch.toml:4: ") && !error.contains("SECRET"), "{error}");
}
