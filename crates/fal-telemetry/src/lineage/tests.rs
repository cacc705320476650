use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
};

use fal_report::{Reporters, RunInfo};

use super::*;

#[test]
fn events_are_off_unless_there_is_a_place_for_them() {
    let url = ("OPENLINEAGE_URL", "http://127.0.0.1:1");
    for variables in [
        Variables::default(),
        Variables::from([url, ("OPENLINEAGE_DISABLED", "true")]),
    ] {
        assert!(Lineage::start(&variables).unwrap().is_none());
    }
}

#[test]
fn what_is_wrong_is_named_without_secrets() {
    let wrong = |variables: Variables| Lineage::start(&variables).err().unwrap();
    let url = ("OPENLINEAGE_URL", "http://127.0.0.1:1");
    let error = wrong(Variables::from([(
        "OPENLINEAGE_URL",
        "ftp://me:secret@acme",
    )]));
    assert_eq!(
        error,
        "OPENLINEAGE_URL begins with neither http:// nor https://"
    );
    let error = wrong(Variables::from([
        url,
        ("OPENLINEAGE_API_KEY", "secret\u{7}"),
    ]));
    assert_eq!(
        error,
        "OPENLINEAGE_API_KEY holds characters that no key has"
    );
    let error = wrong(Variables::from([
        url,
        ("OPENLINEAGE_PARENT_ID", "acme/job"),
    ]));
    assert_eq!(
        error,
        "OPENLINEAGE_PARENT_ID is not NAMESPACE/JOB/RUN: acme/job"
    );
}

/// Sends the events of a run without nodes to this address.
fn run(url: &str) -> Option<String> {
    let variables = Variables::from([("OPENLINEAGE_URL", url), ("OPENLINEAGE_API_KEY", "secret")]);
    let lineage = Lineage::start(&variables).unwrap().unwrap();
    let reporters = Reporters::new();
    reporters.add(lineage.reporter());
    let info = RunInfo::default();
    reporters.emit(Timestamp::UNIX_EPOCH, EventKind::RunStarted { info });
    lineage.end(None);
    lineage.finish(Instant::now() + Duration::from_secs(60))
}

#[test]
fn a_server_that_is_gone_is_one_warning() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let warning = run(&format!("http://{address}")).unwrap();
    let expected =
        format!("OpenLineage gets no whole run: 2 events are missing: http://{address}: ");
    assert!(warning.starts_with(&expected), "{warning}");
    assert!(!warning.contains("secret"), "{warning}");
}

#[test]
fn a_refusal_is_named() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", server.local_addr().unwrap());
    let heard = thread::spawn(move || {
        let mut heard = Vec::new();
        for _ in 0..2 {
            let (stream, _) = server.accept().unwrap();
            let mut reader = BufReader::new(&stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                reader.read_line(&mut head).unwrap();
            }
            let head = head.to_lowercase();
            let length = head.split("content-length: ").nth(1).unwrap();
            let length = length.split("\r\n").next().unwrap().parse().unwrap();
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            (&stream).write_all(answer.as_bytes()).unwrap();
            heard.push(head);
        }
        heard
    });
    let warning = run(&url).unwrap();
    assert!(warning.ends_with("answered 403 Forbidden"), "{warning}");
    let heard = heard.join().unwrap();
    assert!(
        heard[0].starts_with("post /api/v1/lineage http/1.1"),
        "{heard:?}"
    );
    assert!(
        heard[0].contains("authorization: bearer secret"),
        "{heard:?}"
    );
}
