//! What stands between a run and its store: passes requests on, loses some, refuses all, or holds them until it is told. A
//! request a connection, so that each can be dealt with by itself.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

pub struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: u16,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// `PUT /calls/lake/…`, in order.
    requests: Vec<String>,
    manner: Manner,
    /// A request with these words holds itself and all that come later.
    hold: Option<(&'static str, String)>,
    is_holding: bool,
    /// A request with these words is the first that is answered 503 for ever.
    last: Option<(&'static str, String)>,
    /// Requests with these words are answered so, and no others.
    refused: Option<(&'static str, String, &'static str)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    #[default]
    Honest,
    /// Every tenth request fails: the first is answered 503, the next cut off before it is passed on, the third after it was
    /// carried out, and so on.
    Tenth,
    /// Every request is answered so.
    Always(&'static str),
}

/// What becomes of one request.
enum Fate {
    Passed,
    Answered(&'static str),
    CutBefore,
    CutBehind,
}

const BUSY: &str = "503 Service Unavailable";

impl Proxy {
    pub fn to(upstream: u16, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Mutex::new(State { manner, ..State::default() });
        let shared = Arc::new(Shared { upstream, state, changed: Condvar::new() });
        let of_all = shared.clone();
        // Ends with the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = of_all.clone();
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Self { port, shared }
    }

    /// The next request of that method whose path has the words waits, and all behind it.
    pub fn hold(&self, method: &'static str, words: &str) {
        self.shared.state.lock().unwrap().hold = Some((method, words.to_string()));
    }

    /// From the next request of that method whose path has the words, the store is busy.
    pub fn refuse_from(&self, method: &'static str, words: &str) {
        self.shared.state.lock().unwrap().last = Some((method, words.to_string()));
    }

    /// Every request of that method whose path has the words is answered so from now on.
    pub fn refuse(&self, method: &'static str, words: &str, status: &'static str) {
        self.shared.state.lock().unwrap().refused = Some((method, words.to_string(), status));
    }

    /// Returns once a request is held.
    pub fn held(&self) {
        let mut state = self.shared.state.lock().unwrap();
        while !state.is_holding {
            state = self.shared.changed.wait(state).unwrap();
        }
    }

    pub fn release(&self) {
        let mut state = self.shared.state.lock().unwrap();
        (state.hold, state.is_holding) = (None, false);
        self.shared.changed.notify_all();
    }

    pub fn requests(&self) -> Vec<String> {
        self.shared.state.lock().unwrap().requests.clone()
    }
}

impl Shared {
    /// An end that goes away in the middle is nothing to us.
    fn serve(&self, mut client: TcpStream) -> Option<()> {
        let request = read(&mut client)?;
        let line = request.split(|b| *b == b'\r').next()?;
        let line = String::from_utf8_lossy(line).rsplit_once(' ')?.0.to_string();
        let fate = self.fate(line);
        match fate {
            Fate::CutBefore => {}
            Fate::Answered(status) => {
                let body = "<Error><Code>Injected</Code></Error>";
                let head = format!(
                    "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                client.write_all(head.as_bytes()).ok()?;
                client.write_all(body.as_bytes()).ok()?;
            }
            Fate::Passed | Fate::CutBehind => {
                let answer = self.pass_on(&request)?;
                if matches!(fate, Fate::Passed) {
                    client.write_all(&answer).ok()?;
                }
            }
        }
        client.shutdown(Shutdown::Both).ok()
    }

    fn fate(&self, line: String) -> Fate {
        let mut state = self.state.lock().unwrap();
        let is_meant = |(method, words): &(&str, String)| line.starts_with(method) && line.contains(words.as_str());
        if state.hold.as_ref().is_some_and(is_meant) {
            state.is_holding = true;
            self.changed.notify_all();
        }
        while state.is_holding {
            state = self.changed.wait(state).unwrap();
        }
        if state.last.as_ref().is_some_and(is_meant) {
            state.manner = Manner::Always(BUSY);
        }
        state.requests.push(line.clone());
        if let Some((method, words, status)) = &state.refused
            && line.starts_with(method)
            && line.contains(words.as_str())
        {
            return Fate::Answered(status);
        }
        match (state.manner, state.requests.len() % 30) {
            (Manner::Always(status), _) => Fate::Answered(status),
            (Manner::Tenth, 10) => Fate::Answered(BUSY),
            (Manner::Tenth, 20) => Fate::CutBefore,
            (Manner::Tenth, 0) => Fate::CutBehind,
            _ => Fate::Passed,
        }
    }

    fn pass_on(&self, request: &[u8]) -> Option<Vec<u8>> {
        let mut upstream = TcpStream::connect(("127.0.0.1", self.upstream)).ok()?;
        let end = request.windows(2).position(|two| two == b"\r\n")? + 2;
        upstream.write_all(&request[..end]).ok()?;
        upstream.write_all(b"Connection: close\r\n").ok()?;
        upstream.write_all(&request[end..]).ok()?;
        let mut answer = Vec::new();
        upstream.read_to_end(&mut answer).ok()?;
        Some(answer)
    }
}

/// A request with its body.
fn read(client: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut request, mut part) = (Vec::new(), [0; 1 << 16]);
    let mut whole = usize::MAX;
    while request.len() < whole {
        let count = client.read(&mut part).ok().filter(|count| *count > 0)?;
        request.extend(&part[..count]);
        if whole == usize::MAX
            && let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n")
        {
            let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
            assert!(!head.contains("transfer-encoding"), "{head}");
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            whole = end + 4 + length.map_or(0, |length| length.trim().parse().unwrap());
        }
    }
    Some(request)
}
