//! A server that takes what a run sends to other systems, over HTTP.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use parking_lot::Mutex;
use serde_json::Value;

/// A request that it got.
#[derive(Clone, Debug)]
pub struct Received {
    /// `/v1/traces`.
    pub path: String,
    /// By name, in small letters.
    pub headers: HashMap<String, String>,
    /// The content.
    pub body: Vec<u8>,
}

/// The server. It listens until the process ends.
pub struct Collector {
    address: String,
    received: Arc<Mutex<Vec<Received>>>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

impl Collector {
    /// One that answers every request with 200.
    pub fn start() -> Self {
        Self::listen(true)
    }

    /// One that takes connections and never answers.
    pub fn silent() -> Self {
        Self::listen(false)
    }

    fn listen(answers: bool) -> Self {
        let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let collector = Self {
            address: format!("http://{}", server.local_addr().expect("its address")),
            received: Arc::default(),
            connections: Arc::default(),
        };
        let received = Arc::clone(&collector.received);
        let connections = Arc::clone(&collector.connections);
        thread::spawn(move || {
            for stream in server.incoming().map_while(Result::ok) {
                connections.lock().extend(stream.try_clone());
                let received = Arc::clone(&received);
                // A client that ends in the middle of a request is no matter.
                thread::spawn(move || answers.then(|| serve(&stream, &received)));
            }
        });
        collector
    }

    /// `http://127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The number of connections that were opened.
    pub fn connections(&self) -> usize {
        self.connections.lock().len()
    }

    /// All requests so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().clone()
    }

    /// The contents of all requests so far, as JSON.
    pub fn json(&self) -> Vec<Value> {
        let json = |request: Received| serde_json::from_slice(&request.body);
        let all = self.received().into_iter().map(json);
        all.map(|value| value.expect("JSON")).collect()
    }

    /// All spans so far, of requests in JSON.
    pub fn spans(&self) -> Vec<Span> {
        let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
        let requests = self.json().into_iter();
        let resources = requests.flat_map(|request| list(&request, "resourceSpans"));
        let scopes = resources.flat_map(|resource| list(&resource, "scopeSpans"));
        let spans = scopes.flat_map(|scope| list(&scope, "spans"));
        spans.map(Span).collect()
    }
}

fn serve(stream: &TcpStream, received: &Mutex<Vec<Received>>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut headers = HashMap::new();
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            headers.insert(name.to_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length");
        let length = length.and_then(|text| text.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        received.lock().push(Received {
            path,
            headers,
            body,
        });
        let mut writer = stream;
        writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")?;
        line.clear();
    }
    Ok(())
}

/// A span of OpenTelemetry, in its JSON.
#[derive(Clone, Debug)]
pub struct Span(pub Value);

impl Span {
    /// Its name.
    pub fn name(&self) -> &str {
        self.text("name")
    }

    /// Its id.
    pub fn id(&self) -> &str {
        self.text("spanId")
    }

    /// The id of the span it is a part of; empty for a root.
    pub fn parent(&self) -> &str {
        self.text("parentSpanId")
    }

    /// A field of text.
    pub fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_default()
    }

    /// Its start and its end, in nanoseconds.
    pub fn times(&self) -> (u64, u64) {
        let time = |name| self.text(name).parse().expect("a time");
        (time("startTimeUnixNano"), time("endTimeUnixNano"))
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.0["status"]["code"] == 2
    }

    /// The value of an attribute; null if it has none of this name.
    pub fn attribute(&self, name: &str) -> Value {
        let attributes = self.0["attributes"].as_array();
        let mut attributes = attributes.into_iter().flatten();
        let found = attributes.find(|attribute| attribute["key"] == name);
        let value = found.and_then(|found| found["value"].as_object()?.values().next().cloned());
        value.unwrap_or_default()
    }
}
