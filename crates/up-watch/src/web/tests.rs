//! Tests of the server: over HTTP, with hostile names, and by `promtool` where there is one.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    time::Duration,
};

use up_plan::drift::{DriftClass, Severity};

use super::*;
use crate::{
    Found, Line, Look, LookFailure, Mark, NotRead,
    sim::{self, World},
};

const HOSTILE: &str = "<script>alert(1)</script>\"'&";

/// A watch whose stacks are in all states, without a look being made.
fn watch() -> Watch {
    let names = ["prod", "qa", "billing", "search", "edge", "old", "new"];
    let stacks = names.map(|name| sim::stack(name, Duration::from_secs(900)));
    let watch = World::new(|_, _| sim::Behaviour::default()).watch(sim::config(stacks.into()), None);
    let now = watch.board().snapshot().0;
    let line = |mark, depth, text: &str| Line { mark, depth, text: text.to_owned() };
    let open = Found {
        lines: vec![
            line(Mark::Context, 0, "ingress:"),
            line(Mark::Added, 1, "{ ports = \"5432\", cidr = \"0.0.0.0/0\" }"),
            line(Mark::Removed, 1, "{ ports = \"5432\", cidr = \"10.0.0.0/16\" }"),
        ],
        remarks: vec![HOSTILE.into()],
        ..sim::found("security/ec2.security_group.postgres", 1)
    };
    let missing = Found {
        class: DriftClass::Missing,
        severity: Severity::Data,
        id: None,
        ..sim::found("logs.log_group.audit", 1)
    };
    let pending = Found {
        class: DriftClass::Pending,
        is_drift: false,
        lines: vec![line(Mark::Changed, 0, "retention_in_days: 365 → 90")],
        ..sim::found("ecs_cluster/logs.log_group.shells", 1)
    };
    let unread = NotRead {
        kind: "rds.instance".into(),
        code: "AccessDenied".into(),
        message: format!("not authorized {HOSTILE}"),
        resources: 2,
    };
    let drifted = Look {
        counts: [("pending", 1), ("governed", 6)].into(),
        findings: vec![open, missing, pending],
        notes: vec![HOSTILE.into()],
        ..sim::look()
    };
    let partly = Look { unread: vec![unread], counts: [("unread", 2)].into(), ..sim::look() };
    let broken = LookFailure {
        hint: Some("see the file".into()),
        ..LookFailure::new(crate::Cause::Input, format!("1 error in stacks/search.toml\nsearch.toml:3: {HOSTILE}"))
    };
    let busy = LookFailure::new(crate::Cause::Busy, "busy: apply of alice@laptop holds the stack's lock");
    let absent = Look { read: 0, applied: None, ..sim::look() };
    for (name, looked) in [
        ("prod", Ok(drifted)),
        ("qa", Ok(sim::look())),
        ("billing", Ok(partly)),
        ("search", Err(broken)),
        ("edge", Err(busy)),
        ("old", Ok(absent)),
    ] {
        watch.board().update(name, |status| status.take(looked, now, Duration::from_millis(900), None));
    }
    watch
}

/// Serves the watch, and gets a page: the status, the headers, and the body.
async fn get_from(watch: &Watch, path: &str, headers: &str) -> (u16, String, String) {
    let (address, serving) = serve("127.0.0.1:0".parse().unwrap(), watch.clone()).await.unwrap();
    let server = tokio::spawn(serving);
    let host = if headers.contains("Host:") { String::new() } else { format!("Host: {address}\r\n") };
    let request = format!("GET {path} HTTP/1.1\r\n{host}{headers}Connection: close\r\n\r\n");
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    server.abort();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), head.to_owned(), body.to_owned())
}

#[tokio::test]
async fn pages_show_all_states_and_escape_everything() {
    let watch = watch();
    if let Some(folder) = std::env::var_os("WATCH_PAGES") {
        let folder = std::path::PathBuf::from(folder);
        std::fs::write(folder.join("style.css"), STYLE).unwrap();
        for (path, name) in [("/?refresh=off", "overview"), ("/stacks/prod", "prod"), ("/stacks/search", "search")] {
            let (_, _, body) = get_from(&watch, path, "").await;
            std::fs::write(folder.join(format!("{name}.html")), body.replace("/style.css", "style.css")).unwrap();
        }
    }
    let (status, head, body) = get_from(&watch, "/", "").await;
    assert_eq!(status, 200);
    for header in [
        "content-security-policy: default-src 'none'; style-src 'self'",
        "x-content-type-options: nosniff",
        "cache-control: no-store",
        "content-type: text/html; charset=utf-8",
    ] {
        assert!(head.contains(header), "{head}");
    }
    for shown in [
        "1 of 7 stacks has drifted",
        "1 cannot be checked · 1 not read completely · 1 does not exist · 1 busy · 1 not checked yet · 1 clean",
        "security/ec2.security_group.postgres",
        "open to the internet",
        "holds data",
        "rds.instance",
        "AccessDenied",
        "1 error in stacks/search.toml",
        "http-equiv=\"refresh\"",
    ] {
        assert!(body.contains(shown), "{shown}\n{body}");
    }
    let (_, _, prod) = get_from(&watch, "/stacks/prod", "").await;
    for shown in ["since 2026-11-29 00:00Z", "not applied yet", "retention_in_days: 365 → 90", "111122223333"] {
        assert!(prod.contains(shown), "{shown}\n{prod}");
    }
    for page in [&body, &prod] {
        let scripts = ["<script", "javascript:", "style=", "onclick", "http://", "https://"];
        assert!(scripts.iter().all(|script| !page.contains(script)), "{page}");
        assert!(page.contains("&#60;script&#62;"), "{page}");
    }
    assert_eq!(get_from(&watch, "/?refresh=off", "").await.2.matches("http-equiv").count(), 0);
    assert_eq!(get_from(&watch, "/stacks/nobody", "").await.0, 404);
    assert_eq!(get_from(&watch, "/elsewhere", "").await.0, 404);
}

#[tokio::test]
async fn a_name_that_a_browser_was_tricked_into_is_refused() {
    let watch = watch();
    assert_eq!(get_from(&watch, "/", "Host: evil.example.org\r\n").await.0, 421);
    for local in ["localhost:9186", "127.0.0.1", "[::1]:9186"] {
        assert_eq!(get_from(&watch, "/healthz", &format!("Host: {local}\r\n")).await.0, 200, "{local}");
    }
}

#[tokio::test]
async fn the_state_is_there_as_json() {
    let (status, _, body) = get_from(&watch(), "/status.json", "").await;
    let state: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &state["format"], &state["ready"]), (200, &1.into(), &true.into()));
    let states: Vec<_> = state["stacks"].as_array().unwrap().iter().map(|it| it["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["unread", "busy", "unchecked", "absent", "drift", "clean", "failing"]);
    let prod = &state["stacks"][4];
    assert_eq!(prod["drift"][0]["since"], "2026-11-29T00:00:00Z");
    assert_eq!(prod["look"]["findings"][0]["lines"][1]["mark"], "added");
    assert_eq!(prod["last_complete_check"], "2026-11-29T00:00:00Z");
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_is_overdue_is_not_ready() {
    let world = World::new(|name, _| sim::Behaviour { hangs_early: name == "qa", ..Default::default() });
    let stacks = ["prod", "qa"].map(|name| sim::stack(name, Duration::from_secs(900)));
    let watch = world.watch(sim::config(stacks.into()), None);
    let running = tokio::spawn({
        let watch = watch.clone();
        async move { watch.run().await }
    });
    let asked = async |path: &str| {
        use axum::body::Body;
        use tower_service::Service;
        let request = axum::http::Request::get(path).header(HOST, "localhost").body(Body::empty()).unwrap();
        let response = router(watch.clone(), [127, 0, 0, 1].into()).call(request).await.unwrap();
        let body = axum::body::to_bytes(response.into_body(), 100_000).await;
        String::from_utf8(body.unwrap().to_vec()).unwrap()
    };
    tokio::time::sleep(Duration::from_secs(1800)).await;
    assert_eq!(asked("/readyz").await, "ok\n");
    tokio::time::sleep(Duration::from_secs(1200)).await;
    assert_eq!(asked("/readyz").await, "qa: the last complete check was 50 min ago\n");
    assert_eq!(asked("/healthz").await, "ok\n");
    let metrics = asked("/metrics").await;
    assert!(metrics.contains("bullstra_stack_overdue{stack=\"qa\"} 1\n"), "{metrics}");
    running.abort();
    tokio::time::sleep(Duration::from_secs(90)).await;
    assert_eq!(asked("/healthz").await, "the scheduler hangs\n");
}

#[tokio::test]
async fn metrics_are_what_prometheus_reads() {
    let watch = watch();
    let (_, head, open) = get_from(&watch, "/metrics", "Accept: application/openmetrics-text;version=1.0.0\r\n").await;
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
    assert!(open.ends_with("# EOF\n"), "{open}");
    let (_, head, text) = get_from(&watch, "/metrics", "").await;
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    for line in [
        "bullstra_drift_resources{stack=\"prod\",class=\"changed\",severity=\"open\"} 1",
        "bullstra_drift_resources{stack=\"prod\",class=\"missing\",severity=\"data\"} 1",
        "bullstra_drift_resources{stack=\"qa\",class=\"changed\",severity=\"open\"} 0",
        "bullstra_drift_resources{stack=\"billing\",class=\"unread\",severity=\"other\"} 2",
        "bullstra_last_complete_check_timestamp_seconds{stack=\"prod\"} 1795910400",
        "bullstra_stack_failing{stack=\"billing\"} 1",
        "bullstra_checks_total{stack=\"prod\",result=\"drift\"} 0",
        "bullstra_notifications_total{target=\"ops\",result=\"sent\"} 0",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
    assert!(!text.contains("security_group"), "no label holds an address");
    strict(&text);
    let Ok(mut promtool) = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    else {
        return;
    };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let ended = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned() + &String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && said.is_empty(), "{said}\n{text}");
}

/// What `promtool` asks of metrics, for machines that have none.
fn strict(text: &str) {
    let mut families = std::collections::BTreeMap::new();
    let mut series = std::collections::BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(families.insert(name.to_owned(), kind.to_owned()).is_none(), "twice: {line}");
            assert!(text.contains(&format!("# HELP {name} ")), "no help: {line}");
        } else if !line.starts_with('#') {
            let (labelled, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
            assert!(series.insert(labelled.to_owned()), "twice: {line}");
            let name = labelled.split('{').next().unwrap();
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|it| name.strip_suffix(it)).unwrap_or(name);
            assert!(families.contains_key(name) || families.contains_key(family), "no type: {line}");
            assert!(name.starts_with("bullstra_"), "{line}");
        }
    }
}
