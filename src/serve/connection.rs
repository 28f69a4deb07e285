//! One connection from its first byte to its last: encryption, login, messages, and an end for every wait. The library's own
//! loop waits for ever for the rest of a message, and goes on after some errors of a login; this one does not. Knows no SQL.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use pgwire::api::auth::DefaultServerParameterProvider;
use pgwire::api::auth::sasl::SASLAuthStartupHandler;
use pgwire::api::auth::sasl::scram::ScramAuth;
use pgwire::api::cancel::CancelHandler;
use pgwire::api::{ClientInfo, METADATA_USER, NoopHandler, PgWireConnectionState};
use pgwire::error::{ErrorInfo, PgWireError};
use pgwire::messages::startup::PasswordMessageFamily;
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage as Message};
use pgwire::tokio::server::{MaybeTls, PgWireMessageServerCodec, negotiate_tls, process_error, process_message};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::codec::Framed;

use super::Shared;
use super::cancels::Cancels;
use super::client::{Client, Service};
use super::prepared::Prepared;
use super::rows::fatal;
use super::settings;
use super::users::{ITERATIONS, Users};

/// From the first byte to the end of the login.
const LOGIN: Duration = Duration::from_secs(10);
/// For the rest of a message that has begun, and for a client to take what it is told at the end.
const REST: Duration = Duration::from_secs(15);
const FAREWELL: Duration = Duration::from_secs(5);
/// Between two looks at what has come of a message.
const GLANCE: Duration = Duration::from_millis(500);
/// Longest message: a statement, or the values that are bound to one.
const LONGEST: usize = 16 * 1024 * 1024;
/// Longest message of somebody who has not logged in.
const LONGEST_AT_LOGIN: usize = 16 * 1024;

type Socket = Framed<MaybeTls, PgWireMessageServerCodec<Prepared>>;

struct Handlers {
    login: Arc<SASLAuthStartupHandler<DefaultServerParameterProvider>>,
    service: Arc<Service>,
    cancels: Arc<Cancels>,
    copy: Arc<NoopHandler>,
}

/// Serves a client until it goes, or has to.
///
/// # Errors
/// The client went in the middle of something.
pub async fn serve(socket: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    let tls = shared.tls.as_ref().map(|tls| tls.acceptor.clone());
    let must_be_encrypted = tls.is_some();
    let login = async {
        let Some(mut socket) = negotiate_tls::<Prepared>(socket, tls).await? else { return Ok(None) };
        // Bytes that came before the encryption are nobody's: somebody in between may have put them there.
        if socket.is_secure() && !socket.read_buffer().is_empty() {
            return Ok(None);
        }
        let handlers = handlers(&socket, &shared);
        let (mut place, mut has_answered) = (None, false);
        while !matches!(socket.state(), PgWireConnectionState::ReadyForQuery) {
            let message = match whole(&mut socket, LONGEST_AT_LOGIN).await {
                Some(Ok(message)) => message,
                Some(Err(error)) => return refuse(&mut socket, error).await,
                None => return Ok(None),
            };
            if let Message::CancelRequest(request) = message {
                shared.cancels.on_cancel_request(request).await;
                return Ok(None);
            }
            if matches!(message, Message::Startup(_)) && must_be_encrypted && !socket.is_secure() {
                let what = "connections are encrypted here: ask for sslmode=require or better";
                return refuse(&mut socket, fatal("28000", what)).await;
            }
            if let Message::PasswordMessageFamily(PasswordMessageFamily::Raw(body)) = &message {
                if std::mem::replace(&mut has_answered, true) {
                    // The proof of the password: only who gives one takes a place, and gives it back where it is wrong. How
                    // many may knock at the door is counted apart.
                    place = shared.places.clone().try_acquire_owned().ok();
                    if place.is_none() {
                        return refuse(&mut socket, fatal("53300", "sorry, too many clients already")).await;
                    }
                } else if !is_whole(body) {
                    // The library takes the first one at its word.
                    return refuse(&mut socket, fatal("08P01", "a login that cannot be understood")).await;
                }
            }
            if let Err(error) = handlers.process(message, &mut socket).await {
                let name = socket.metadata().get(METADATA_USER).cloned().unwrap_or_default();
                tracing::warn!(user = name, from = %socket.socket_addr().ip(), "login refused");
                // Whatever went wrong before somebody has logged in is the end.
                return refuse(&mut socket, at_login(error, &name)).await;
            }
        }
        Ok::<_, io::Error>(Some((socket, handlers, place)))
    };
    let login = tokio::time::timeout(LOGIN, login).await;
    let Some((mut socket, handlers, place)) = login.unwrap_or(Ok(None))? else { return Ok(()) };
    let name = socket.metadata().get(METADATA_USER).cloned().unwrap_or_default();
    // Taken out of the file in the moment of the login.
    let Some(role) = shared.users.role(&name) else { return Ok(()) };
    let (pid, key) = socket.pid_and_secret_key();
    let (cancels, _registered) = shared.cancels.register(pid, key.to_bytes());
    socket.session_extensions().insert(Client { user: name, role, cancels });
    let done = talk(&mut socket, &handlers, &shared).await;
    drop::<Option<OwnedSemaphorePermit>>(place);
    done
}

/// Messages after the login.
async fn talk(socket: &mut Socket, handlers: &Handlers, shared: &Shared) -> io::Result<()> {
    loop {
        let message = match next(socket, shared).await {
            Ok(Some(Message::Terminate(_))) | Ok(None) => return Ok(()),
            Ok(Some(message)) => message,
            Err(error) => return refuse::<()>(socket, error).await.map(drop),
        };
        let is_extended = message.is_extended_query();
        if let Err(error) = handlers.process(message, socket).await {
            let is_over = matches!(&error, PgWireError::UserError(info) if info.is_fatal());
            let said = tokio::time::timeout(FAREWELL, process_error(socket, error, is_extended)).await;
            // A client that takes nothing is not waited for.
            said.map_err(|_| io::ErrorKind::TimedOut)??;
            if is_over {
                return Ok(());
            }
        }
    }
}

/// The next whole message; none where the client has gone.
async fn next(socket: &mut Socket, shared: &Shared) -> Result<Option<Message>, PgWireError> {
    let mut closing = shared.closing.clone();
    let mut waited = Duration::ZERO;
    loop {
        tokio::select! {
            biased;
            message = whole(socket, LONGEST) => return message.transpose(),
            _ = closing.wait_for(|is_closing| *is_closing) => {
                return Err(fatal("57P01", "terminating connection due to administrator command"));
            }
            () = tokio::time::sleep(GLANCE) => {}
        }
        let begun = socket.read_buffer().len();
        waited = if begun == 0 { Duration::ZERO } else { waited + GLANCE };
        if waited >= REST {
            return Err(fatal("08P01", "half a message came, and the rest of it did not"));
        }
    }
}

/// The next message when all of it is there. Looks at what has come each time the socket has no more for now, which a client
/// that sends as fast as it can cannot put off: how much is kept depends on no clock.
async fn whole(socket: &mut Socket, longest: usize) -> Option<Result<Message, PgWireError>> {
    poll_fn(|context| match socket.poll_next_unpin(context) {
        Poll::Pending if socket.read_buffer().len() > longest => {
            Poll::Ready(Some(Err(fatal("54000", "a message is longer than any statement may be"))))
        }
        come => come,
    })
    .await
}

/// Says why, and ends the connection.
async fn refuse<T>(socket: &mut Socket, error: PgWireError) -> io::Result<Option<T>> {
    let mut info = ErrorInfo::from(error);
    info.severity = "FATAL".into();
    let farewell = async {
        socket.send(PgWireBackendMessage::ErrorResponse(info.into())).await?;
        socket.close().await
    };
    let _ = tokio::time::timeout(FAREWELL, farewell).await;
    Ok(None)
}

/// Whether the first answer of a login is a name, a length, and so many bytes.
fn is_whole(body: &[u8]) -> bool {
    let rest = body.iter().position(|b| *b == 0).map(|end| &body[end + 1..]);
    let Some((length, rest)) = rest.and_then(<[u8]>::split_first_chunk) else { return false };
    // The library's own word for none, and then it says so.
    let length = i32::from_be_bytes(*length);
    length == -1 || usize::try_from(length) == Ok(rest.len())
}

/// A failed login, without a word on why.
fn at_login(error: PgWireError, name: &str) -> PgWireError {
    match error {
        PgWireError::InvalidPassword(_) => fatal("28P01", &format!("password authentication failed for user {name:?}")),
        PgWireError::ApiError(why) => {
            tracing::warn!("the file of users cannot be read: {why}");
            fatal("58000", "nobody can log in now: the server's log says why")
        }
        other => other,
    }
}

fn handlers(socket: &Socket, shared: &Arc<Shared>) -> Handlers {
    let mut scram = ScramAuth::new(Arc::<Users>::clone(&shared.users));
    scram.set_iterations(ITERATIONS);
    // Binds the login to the encryption, so that nobody in between can pass it on. A certificate of a kind that has no
    // rule for it leaves a login that is not bound.
    if let Some(tls) = shared.tls.as_ref().filter(|_| socket.is_secure()) {
        let _ = scram.configure_certificate(&tls.pem);
    }
    let login = SASLAuthStartupHandler::new(Arc::new(settings::told_at_login())).with_scram(scram);
    Handlers {
        login: Arc::new(login),
        service: Arc::new(Service(shared.clone())),
        cancels: shared.cancels.clone(),
        copy: Arc::new(NoopHandler),
    }
}

impl Handlers {
    async fn process(&self, message: Message, socket: &mut Socket) -> Result<(), PgWireError> {
        process_message(
            message,
            socket,
            self.login.clone(),
            self.service.clone(),
            self.service.clone(),
            self.copy.clone(),
            self.cancels.clone(),
        )
        .await
    }
}
