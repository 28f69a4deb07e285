//! What the server says to one client: statements of the simple and of the extended protocol, each refused or run within its
//! limits, its rows sent as they come. Rows are never gathered: the library's own way keeps all of them when a client
//! asks for all. Knows no socket.

use std::fmt::Debug;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::ast::Statement;
use futures::{Sink, SinkExt, Stream, StreamExt};
use pgwire::api::portal::{Format, Portal, PortalExecutionState};
use pgwire::api::query::{ExtendedQueryHandler, SimpleQueryHandler};
use pgwire::api::results::{FieldFormat, FieldInfo, QueryResponse, Response, Tag};
use pgwire::api::stmt::{QueryParser, StoredStatement};
use pgwire::api::store::{Entry, PortalStore};
use pgwire::api::{ClientInfo, ClientPortalStore, DEFAULT_NAME, Type};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage as Message;
use pgwire::messages::data::{DataRow, RowDescription};
use pgwire::messages::extendedquery::{Execute, Parse, ParseComplete, PortalSuspended, Sync as EndOfSeries};
use pgwire::messages::response::{EmptyQueryResponse, ReadyForQuery, TransactionStatus};
use pgwire::messages::simplequery::Query;
use pgwire::messages::startup::ParameterStatus;
use tokio::sync::watch;

use super::audit::{Note, without_literals};
use super::copy::copy;
use super::current::{Held, Sessions};
use super::prepared::{self, Prepared};
use super::rows::{TIMEOUT, error, fatal, fields, rows, told};
use super::settings;
use super::statement::{self, Allowed, Setting};
use super::users::Role;
use super::{Shared, catalogue, plan};

/// How long statements that run when the server is told to end may go on.
const GRACE: Duration = Duration::from_secs(5);

/// Who the client is. There once the login is done.
pub struct Client {
    pub user: String,
    pub role: Role,
    /// Goes up when somebody with the client's key asks for its statement to be cancelled.
    pub cancels: watch::Receiver<u64>,
}

/// One for all clients.
#[derive(Clone)]
pub struct Service(pub Arc<Shared>);

/// A client's side of the protocol, as the library has it.
pub trait Peer: ClientInfo + ClientPortalStore + Sink<Message> + Unpin + Send + Sync {}

impl<C: ClientInfo + ClientPortalStore + Sink<Message> + Unpin + Send + Sync> Peer for C {}

impl Service {
    fn note<C: ClientInfo>(&self, client: &C, statement: String) -> PgWireResult<Note> {
        let who = who(client)?;
        Ok(Note::new(&who.user, who.role, statement, self.0.clock))
    }

    /// How long a statement of this client may take.
    fn limit<C: ClientInfo>(&self, client: &C) -> Duration {
        settings::timeout(client).map_or(self.0.limit, |asked| asked.min(self.0.limit))
    }

    /// Resolves when a statement that begins now has to end, with what to say then.
    fn end<C: ClientInfo>(&self, client: &C) -> PgWireResult<impl Future<Output = PgWireError> + Send + 'static> {
        let limit = self.limit(client);
        let mut cancels = who(client)?.cancels.clone();
        let seen = *cancels.borrow_and_update();
        let mut closing = self.0.closing.clone();
        Ok(async move {
            let cancelled = async { cancels.wait_for(|n| *n > seen).await.is_ok() };
            let closed = async {
                if closing.wait_for(|is_closing| *is_closing).await.is_ok() {
                    tokio::time::sleep(GRACE).await;
                }
            };
            tokio::select! {
                () = tokio::time::sleep(limit) => error("57014", TIMEOUT),
                true = cancelled => error("57014", "canceling statement due to user request"),
                () = closed => fatal("57P01", "terminating connection due to administrator command"),
            }
        })
    }

    async fn held(&self) -> PgWireResult<Held> {
        self.0.current.held().await.map_err(|why| {
            tracing::warn!("no session over the lake: {why}");
            error("58000", "the lake cannot be opened: the server's log says why")
        })
    }

    /// A statement's plan for this client, made on the threads that work statements out.
    async fn planned(&self, who: &Client, sessions: Arc<Sessions>, statement: Statement) -> PgWireResult<LogicalPlan> {
        let (role, user) = (who.role, who.user.clone());
        let plan = self.0.work.spawn(async move {
            let state = catalogue::personal(sessions.of(role), &user)?;
            plan::plan(&state, statement).await
        });
        let plan = plan.await.map_err(|_| error("XX000", "the statement could not be planned"))?;
        plan.map_err(|why| told(&why))
    }

    /// The rows of a plan and what columns they have.
    fn rows(
        &self,
        who: &Client,
        held: Held,
        plan: LogicalPlan,
        format: &Format,
        limit: Duration,
    ) -> PgWireResult<(Arc<Vec<FieldInfo>>, impl Stream<Item = PgWireResult<DataRow>> + Send + 'static)> {
        let fields = Arc::new(fields(&plan, format)?);
        let state = catalogue::personal(held.sessions.of(who.role), &who.user).map_err(|e| told(&e))?;
        Ok((fields.clone(), rows(state, plan, fields, limit, &self.0.work, held)))
    }

    async fn simple<C: Peer>(&self, client: &mut C, text: &str, note: &mut Note) -> PgWireResult<()>
    where
        C::Error: Debug,
        C::PortalStore: PortalStore,
        PgWireError: From<<C as Sink<Message>>::Error>,
    {
        let allowed = statement::read(text).map_err(|refusal| error(refusal.code, &refusal.what))?;
        if allowed.is_empty() {
            client.feed(Message::EmptyQueryResponse(EmptyQueryResponse::new())).await?;
        }
        for one in allowed {
            in_sound_transaction(client, &one)?;
            let who = who(client)?;
            match one {
                Allowed::Rows(statement) => {
                    let (tag, held) = (tag(&statement), self.held().await?);
                    let plan = self.planned(&who, held.sessions.clone(), *statement).await?;
                    let (fields, rows) = self.rows(&who, held, plan, &Format::UnifiedText, self.limit(client))?;
                    client.feed(Message::RowDescription(described(&fields))).await?;
                    let count = send(client, pin!(rows), 0, note).await?.0;
                    client.feed(Message::CommandComplete(Tag::new(tag).with_rows(count).into())).await?;
                }
                Allowed::Copy(statement, form) => {
                    let held = self.held().await?;
                    let plan = self.planned(&who, held.sessions.clone(), *statement).await?;
                    let (fields, rows) = self.rows(&who, held, plan, &form.of_cells(), self.limit(client))?;
                    copy(client, &fields, pin!(rows), &form, note).await?;
                }
                Allowed::Show(name) => {
                    let fields = [shown_field(name)];
                    client.feed(Message::RowDescription(described(&fields))).await?;
                    self.show(client, name, note).await?;
                }
                other => self.command(client, other).await?,
            }
        }
        Ok(())
    }

    async fn execute<C: Peer>(
        &self,
        client: &mut C,
        portal: &Portal<Prepared>,
        most: usize,
        note: &mut Note,
    ) -> PgWireResult<()>
    where
        C::Error: Debug,
        C::PortalStore: PortalStore<Statement = Prepared>,
        PgWireError: From<<C as Sink<Message>>::Error>,
    {
        let prepared = &portal.statement.statement;
        in_sound_transaction(client, &prepared.allowed)?;
        let who = who(client)?;
        match &prepared.allowed {
            Allowed::Rows(statement) => {
                let state = portal.state();
                let mut state = state.lock().await;
                if matches!(*state, PortalExecutionState::Initial) {
                    let held = self.held().await?;
                    let plan = self.bound(&who, &held, portal).await?;
                    let (fields, rows) =
                        self.rows(&who, held, plan, &portal.result_column_format, self.limit(client))?;
                    *state = PortalExecutionState::Suspended(QueryResponse::new(fields, rows));
                }
                let (mut count, mut is_over) = (0, true);
                if let PortalExecutionState::Suspended(response) = &mut *state {
                    (count, is_over) = send(client, response.data_rows(), most, note).await?;
                }
                if is_over {
                    *state = PortalExecutionState::Finished;
                    let tag = Tag::new(tag(statement)).with_rows(count);
                    client.feed(Message::CommandComplete(tag.into())).await?;
                } else {
                    client.feed(Message::PortalSuspended(PortalSuspended::new())).await?;
                }
            }
            Allowed::Copy(_, form) => {
                let held = self.held().await?;
                let plan = self.bound(&who, &held, portal).await?;
                let (fields, rows) = self.rows(&who, held, plan, &form.of_cells(), self.limit(client))?;
                copy(client, &fields, pin!(rows), form, note).await?;
            }
            Allowed::Show(name) => self.show(client, name, note).await?,
            other => self.command(client, other.clone()).await?,
        }
        Ok(())
    }

    /// The plan of a portal with its parameters; made anew where the lake is another since it was prepared.
    async fn bound(&self, who: &Client, held: &Held, portal: &Portal<Prepared>) -> PgWireResult<LogicalPlan> {
        let prepared = &portal.statement.statement;
        let plan = match prepared.plan_over(&held.sessions) {
            Some(plan) => plan,
            None => {
                let statement = prepared.statement().ok_or_else(|| error("XX000", "no statement to plan"))?;
                self.planned(who, held.sessions.clone(), statement).await?
            }
        };
        prepared::bind(plan, portal)
    }

    async fn show<C: Peer>(&self, client: &mut C, name: &'static str, note: &mut Note) -> PgWireResult<()>
    where
        C::Error: Debug,
        PgWireError: From<<C as Sink<Message>>::Error>,
    {
        let row = settings::row(&settings::value(client, name, self.0.limit));
        client.feed(Message::DataRow(row)).await?;
        note.row();
        client.feed(Message::CommandComplete(Tag::new("SHOW").into())).await?;
        Ok(())
    }

    /// What gives no rows.
    async fn command<C: Peer>(&self, client: &mut C, command: Allowed) -> PgWireResult<()>
    where
        C::Error: Debug,
        C::PortalStore: PortalStore,
        PgWireError: From<<C as Sink<Message>>::Error>,
    {
        let tag = match command {
            Allowed::Begin => {
                client.set_transaction_status(TransactionStatus::Transaction);
                "BEGIN"
            }
            Allowed::Commit | Allowed::Rollback => {
                let is_lost = matches!(client.transaction_status(), TransactionStatus::Error);
                client.set_transaction_status(TransactionStatus::Idle);
                client.portal_store().clear_portals();
                if is_lost || matches!(command, Allowed::Rollback) { "ROLLBACK" } else { "COMMIT" }
            }
            Allowed::RollbackTo => {
                client.set_transaction_status(TransactionStatus::Transaction);
                "ROLLBACK"
            }
            Allowed::Set(setting) => {
                if let Setting::Told(name, value) = &setting {
                    let status = ParameterStatus::new((*name).to_string(), value.clone());
                    client.feed(Message::ParameterStatus(status)).await?;
                }
                settings::set(client, setting);
                "SET"
            }
            Allowed::Deallocate(name) => {
                if let Some(name) = name {
                    client.portal_store().rm_statement(&name);
                }
                "DEALLOCATE"
            }
            Allowed::Forget(tag) => {
                settings::forget(client);
                tag
            }
            Allowed::Nothing(tag) => tag,
            Allowed::Rows(_) | Allowed::Copy(..) | Allowed::Show(_) => return Err(error("XX000", "that gives rows")),
        };
        client.feed(Message::CommandComplete(Tag::new(tag).into())).await?;
        Ok(())
    }
}

/// Sends rows, at most so many of them unless that is 0; how many, and whether those were all.
async fn send<C, R>(client: &mut C, mut rows: R, most: usize, note: &mut Note) -> PgWireResult<(usize, bool)>
where
    C: Peer,
    C::Error: Debug,
    R: Stream<Item = PgWireResult<DataRow>> + Unpin,
    PgWireError: From<<C as Sink<Message>>::Error>,
{
    let mut count = 0;
    while most == 0 || count < most {
        let Some(row) = rows.next().await else { return Ok((count, true)) };
        client.feed(Message::DataRow(row?)).await?;
        note.row();
        count += 1;
    }
    Ok((count, false))
}

/// After an error nothing is done in a transaction but to end it.
fn in_sound_transaction<C: ClientInfo>(client: &C, allowed: &Allowed) -> PgWireResult<()> {
    let ends = matches!(allowed, Allowed::Commit | Allowed::Rollback | Allowed::RollbackTo);
    match client.transaction_status() {
        TransactionStatus::Error if !ends => {
            let what = "current transaction is aborted, commands ignored until end of transaction block";
            Err(error("25P02", what))
        }
        _ => Ok(()),
    }
}

fn who<C: ClientInfo>(client: &C) -> PgWireResult<Arc<Client>> {
    client.session_extensions().get::<Client>().ok_or_else(|| fatal("28000", "nobody has logged in"))
}

fn tag(statement: &Statement) -> &'static str {
    match statement {
        Statement::Explain { .. } => "EXPLAIN",
        Statement::ShowTables { .. } | Statement::ShowColumns { .. } => "SHOW",
        _ => "SELECT",
    }
}

fn described(fields: &[FieldInfo]) -> RowDescription {
    RowDescription::new(fields.iter().map(Into::into).collect())
}

fn shown_field(name: &str) -> FieldInfo {
    FieldInfo::new(name.to_string(), None, None, Type::TEXT, FieldFormat::Text)
}

/// What the log says of an error: its code.
fn code(why: &PgWireError) -> String {
    match why {
        PgWireError::UserError(info) => info.code.clone(),
        PgWireError::IoError(_) => "the client is gone".into(),
        _ => "XX000".into(),
    }
}

#[async_trait]
impl SimpleQueryHandler for Service {
    async fn on_query<C>(&self, client: &mut C, query: Query) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<Message> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<Message>>::Error>,
    {
        let mut note = self.note(client, without_literals(&query.query))?;
        let end = self.end(client)?;
        let done = tokio::select! {
            biased;
            done = self.simple(client, &query.query, &mut note) => done,
            why = end => Err(why),
        };
        match done {
            Ok(()) => note.good(),
            Err(why) => {
                note.refused(&code(&why));
                return Err(why);
            }
        }
        drop(note);
        let status = client.transaction_status();
        client.send(Message::ReadyForQuery(ReadyForQuery::new(status))).await?;
        Ok(())
    }

    async fn do_query<C>(&self, _: &mut C, _: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<Message> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<Message>>::Error>,
    {
        Err(error("XX000", "statements are answered as they come"))
    }
}

#[async_trait]
impl QueryParser for Service {
    type Statement = Prepared;

    async fn parse_sql<C>(&self, client: &C, text: &str, _: &[Option<Type>]) -> PgWireResult<Option<Prepared>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        let mut allowed = statement::read(text).map_err(|refusal| error(refusal.code, &refusal.what))?;
        let Some(allowed) = allowed.pop().filter(|_| allowed.is_empty()) else {
            return match allowed.is_empty() {
                true => Ok(None),
                false => Err(error("42601", "cannot insert multiple commands into a prepared statement")),
            };
        };
        let mut prepared = Prepared::new(without_literals(text), allowed);
        if let Some(statement) = prepared.statement() {
            let (who, held) = (who(client)?, self.held().await?);
            let plan = self.planned(&who, held.sessions.clone(), statement).await?;
            prepared = prepared.with(held.sessions.clone(), plan);
        }
        Ok(Some(prepared))
    }

    fn get_parameter_types(&self, prepared: &Prepared) -> PgWireResult<Vec<Type>> {
        prepared.parameters()
    }

    fn get_result_schema(&self, prepared: &Prepared, format: Option<&Format>) -> PgWireResult<Vec<FieldInfo>> {
        match (&prepared.allowed, prepared.plan()) {
            (Allowed::Show(name), _) => Ok(vec![shown_field(name)]),
            (Allowed::Rows(_), Some(plan)) => {
                let format = format.unwrap_or(&Format::UnifiedText);
                prepared::fits(format, plan.schema().fields().len())?;
                fields(plan, format)
            }
            _ => Ok(Vec::new()),
        }
    }
}

#[async_trait]
impl ExtendedQueryHandler for Service {
    type Statement = Prepared;
    type QueryParser = Self;

    fn query_parser(&self) -> Arc<Self> {
        Arc::new(self.clone())
    }

    async fn on_parse<C>(&self, client: &mut C, message: Parse) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<Message> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Prepared>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<Message>>::Error>,
    {
        let name = message.name.clone().unwrap_or_else(|| DEFAULT_NAME.to_owned());
        let end = self.end(client)?;
        let parsed = tokio::select! {
            biased;
            parsed = StoredStatement::parse(client, &message, self.query_parser()) => parsed,
            why = end => Err(why),
        };
        match parsed {
            Ok(Some(statement)) => client.portal_store().put_statement(Arc::new(statement)),
            Ok(None) => client.portal_store().put_empty_statement(&name),
            // What is refused here is never executed, so this is its line.
            Err(why) => {
                self.note(client, without_literals(&message.query))?.refused(&code(&why));
                return Err(why);
            }
        }
        client.send(Message::ParseComplete(ParseComplete::new())).await?;
        Ok(())
    }

    /// Outside a transaction no cursor is open any more: the library lets go of the one without a name only.
    async fn on_sync<C>(&self, client: &mut C, _: EndOfSeries) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<Message> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Prepared>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<Message>>::Error>,
    {
        match client.transaction_status() {
            TransactionStatus::Idle => client.portal_store().clear_portals(),
            _ => client.portal_store().rm_portal(DEFAULT_NAME),
        }
        let status = client.transaction_status();
        client.send(Message::ReadyForQuery(ReadyForQuery::new(status))).await?;
        Ok(())
    }

    async fn on_execute<C>(&self, client: &mut C, message: Execute) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<Message> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Prepared>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<Message>>::Error>,
    {
        let name = message.name.as_deref().unwrap_or(DEFAULT_NAME);
        let portal = match client.portal_store().get_portal(name) {
            Some(Entry::Value(portal)) => portal,
            Some(Entry::Empty) => {
                client.feed(Message::EmptyQueryResponse(EmptyQueryResponse::new())).await?;
                return Ok(());
            }
            None => return Err(PgWireError::PortalNotFound(name.to_owned())),
        };
        let most = usize::try_from(message.max_rows).unwrap_or(0);
        let mut note = self.note(client, portal.statement.statement.text.clone())?;
        let end = self.end(client)?;
        let done = tokio::select! {
            biased;
            done = self.execute(client, &portal, most, &mut note) => done,
            why = end => Err(why),
        };
        match &done {
            Ok(()) => note.good(),
            Err(why) => note.refused(&code(why)),
        }
        done
    }

    async fn do_query<C>(&self, _: &mut C, _: &Portal<Prepared>, _: usize) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<Message> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Prepared>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<Message>>::Error>,
    {
        Err(error("XX000", "statements are answered as they come"))
    }
}
