//! A Ballista cluster in the place of this process: a plan is made here, sent to a scheduler, and worked out by executors
//! that read the same files by the same paths. Schedulers and executors are upstream's own: what a plan holds must be
//! DataFusion's, and whatever lies in memory here travels with it. Knows no table and no query.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use ballista_core::BALLISTA_VERSION;
use ballista_core::config::{BALLISTA_CLIENT_GRPC_CONNECT_TIMEOUT_SECONDS, BALLISTA_SHUFFLE_READER_FORCE_REMOTE_READ};
use ballista_core::extension::{BallistaGrpcMetadataInterceptor, SessionConfigExt, SessionConfigHelperExt};
use ballista_core::optimizer::ballista_default_optimizer_rules;
use ballista_core::planner::scans_only_information_schema;
use ballista_core::registry::BallistaFunctionRegistry;
use ballista_core::serde::protobuf::execute_query_params::Query;
use ballista_core::serde::protobuf::job_status::Status;
use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::serde::protobuf::{self, ExecuteQueryParams};
use ballista_core::serde::scheduler::PartitionLocation;
use ballista_core::utils::{GrpcClientConfig, create_grpc_client_endpoint};
use ballista_core::version::BALLISTA_VERSION_HEADER;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::{StreamExt, TryStreamExt, stream};

use super::pieces;
use super::sendable::{sendable, windows_sorted};
use crate::error::Error;

/// How long a scheduler may take to be reached, and then a question that reads nothing to be answered by an executor.
const CONNECTED_WITHIN: Duration = Duration::from_secs(5);
const ANSWERED_WITHIN: Duration = Duration::from_secs(20);
/// Parts that rows are dealt out into where the place does not say: Ballista's own default.
const PARTITIONS: usize = 16;
/// A scheduler's own default.
const PORT: u16 = 50050;

/// Seconds that an answer may take where the place does not say: a cluster that lost an executor may wait for it for ever.
const SECONDS: usize = 3600;

/// Pieces of one question that are worked out at the same time.
const JOBS_AT_ONCE: usize = 8;

/// Where a scheduler is, as in `df://host:port` or `df://host:port?partitions=64&seconds=600`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// As it was given.
    place: String,
    scheduler: String,
    partitions: usize,
    seconds: usize,
}

/// Pieces of a question that are alike.
struct Job {
    message: Vec<u8>,
    pieces: Vec<Arc<dyn ExecutionPlan>>,
}

impl FromStr for Cluster {
    type Err = String;

    fn from_str(place: &str) -> Result<Self, String> {
        let form = || "write it as df://host:port, or as df://host:port?partitions=64&seconds=600 with the pieces a stage is cut into and how long an answer may take";
        let url = url::Url::parse(place).map_err(|_| form().to_string())?;
        let host = url.host_str().filter(|host| !host.is_empty() && url.scheme() == "df").ok_or_else(form)?;
        let is_bare = url.username().is_empty() && url.password().is_none() && matches!(url.path(), "" | "/");
        if !is_bare || url.fragment().is_some() {
            return Err(form().to_string());
        }
        let (mut partitions, mut seconds) = (PARTITIONS, SECONDS);
        for (name, value) in url.query_pairs() {
            let number = value.parse().ok().filter(|n| (1..=100_000).contains(n));
            match (name.as_ref(), number) {
                ("partitions", Some(number)) => partitions = number,
                ("seconds", Some(number)) => seconds = number,
                _ => return Err(form().to_string()),
            }
        }
        let scheduler = format!("http://{host}:{}", url.port().unwrap_or(PORT));
        Ok(Self { place: place.to_string(), scheduler, partitions, seconds })
    }
}

impl Cluster {
    /// A session whose plans a cluster can run: texts as they are in the files, no filter that one stage tells another
    /// while they run, no table that one stage builds up in the memory of another.
    pub fn session(&self) -> SessionContext {
        let seconds = CONNECTED_WITHIN.as_secs();
        let config = SessionConfig::new_with_ballista()
            .with_target_partitions(self.partitions)
            // DataFusion's merge join panics where a filter goes with the keys, and with a side that is handed to every task
            // Ballista's stages lose rows of an outer join: so both sides are parted by their keys.
            .set_bool("datafusion.optimizer.prefer_hash_join", true)
            .set_u64("datafusion.optimizer.hash_join_single_partition_threshold", 0)
            .set_u64("datafusion.optimizer.hash_join_single_partition_threshold_rows", 0)
            .with_ballista_broadcast_join_threshold_bytes(0)
            .with_ballista_broadcast_join_threshold_rows(0)
            .set_u64(BALLISTA_CLIENT_GRPC_CONNECT_TIMEOUT_SECONDS, seconds);
        let state = SessionStateBuilder::new().with_config(config).with_default_features();
        SessionContext::new_with_state(state.with_optimizer_rules(ballista_default_optimizer_rules()).build())
    }

    /// Whether a scheduler and an executor are there, of a version that works with this one.
    ///
    /// # Errors
    /// They are not, or do not answer in time.
    pub async fn check(&self, context: &SessionContext) -> Result<(), Error> {
        let nothing = async {
            let plan = context.sql("select 1 as one").await?.create_physical_plan().await?;
            self.run(context, plan).await
        };
        let what = match tokio::time::timeout(ANSWERED_WITHIN, nothing).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => plain(&error),
            Err(_) => {
                format!("no executor has answered within {} seconds", ANSWERED_WITHIN.as_secs())
            }
        };
        Err(self.wrong(what, "is a Ballista 55 scheduler running there, with executors? docs/scale.md says how"))
    }

    /// The answer, rows in their order; none where the plan is too deep for any cluster.
    ///
    /// # Errors
    /// None that was right, or none in time.
    pub async fn run(
        &self,
        context: &SessionContext,
        plan: Arc<dyn ExecutionPlan>,
    ) -> Result<Option<Vec<RecordBatch>>> {
        let answer = tokio::time::timeout(Duration::from_secs(self.seconds as u64), self.answer(context, plan)).await;
        answer.unwrap_or_else(|_| Err(failed(format!("no answer within {} seconds", self.seconds))))
    }

    async fn answer(&self, context: &SessionContext, plan: Arc<dyn ExecutionPlan>) -> Result<Option<Vec<RecordBatch>>> {
        let codec = context.copied_config().ballista_physical_extension_codec();
        let mut plan = sendable(plan, &context.task_ctx()).await?;
        // Of all its pieces, before the first is worked out.
        if !pieces::fit(&plan, codec.as_ref())? {
            return Ok(None);
        }
        loop {
            // A view that a question stands on twice is worked out once: pieces by what is sent.
            let mut jobs: Vec<Job> = Vec::new();
            for piece in pieces::pieces(&plan) {
                let message = pieces::message(&piece, codec.as_ref())?;
                match jobs.iter_mut().find(|job| job.message == message) {
                    Some(job) => job.pieces.push(piece),
                    None => jobs.push(Job { message, pieces: vec![piece] }),
                }
            }
            if jobs.is_empty() {
                break;
            }
            let left = jobs.iter().map(|job| self.leave(context, job.message.clone(), &job.pieces[0]));
            let left: Vec<_> = stream::iter(left).buffered(JOBS_AT_ONCE).try_collect().await?;
            for (job, left) in jobs.iter().zip(left) {
                for piece in &job.pieces {
                    plan = pieces::replaced(plan, piece, pieces::left(piece, left.clone())?)?;
                }
            }
            plan = windows_sorted(plan)?;
        }
        let sent = pieces::message(&plan, codec.as_ref())?;
        // Nothing of it lies in a folder here, whatever folders there are.
        let left = pieces::left(&plan, self.leave(context, sent, &plan).await?)?.with_work_dir(String::new());
        let far = context.copied_config().set_bool(BALLISTA_SHUFFLE_READER_FORCE_REMOTE_READ, true);
        let far = SessionContext::new_with_config(far).task_ctx();
        let mut rows = Vec::new();
        for partition in 0..plan.output_partitioning().partition_count() {
            rows.extend(left.execute(partition, far.clone())?.try_collect::<Vec<_>>().await?);
        }
        Ok(Some(rows))
    }

    /// Has a piece worked out and its rows left with the executors; of each partition, where they are.
    async fn leave(
        &self,
        context: &SessionContext,
        message: Vec<u8>,
        piece: &Arc<dyn ExecutionPlan>,
    ) -> Result<Vec<Vec<PartitionLocation>>> {
        let config = context.copied_config();
        let job = ExecuteQueryParams {
            query: Some(Query::PhysicalPlan(message)),
            settings: config.to_key_value_pairs(),
            session_id: context.session_id(),
            operation_id: context.session_id(),
        };
        let locations = self.finished(&config, job).await?;
        let mut partitions = vec![Vec::new(); piece.output_partitioning().partition_count()];
        for location in locations {
            let location: PartitionLocation = location.try_into().map_err(failed)?;
            let partition = partitions.get_mut(location.partition_id.partition_id);
            partition.ok_or_else(|| failed("rows of a partition that was not asked for"))?.push(location);
        }
        // A partition is one task's. Where that was begun again, what it wrote first is named as well.
        if partitions.iter().any(|places| places.len() > 1) {
            return Err(failed("an executor was lost, and rows of it came twice"));
        }
        Ok(partitions)
    }

    /// Sends a job and waits for its end: where its rows are.
    async fn finished(
        &self,
        config: &SessionConfig,
        job: ExecuteQueryParams,
    ) -> Result<Vec<protobuf::PartitionLocation>> {
        let client = config.ballista_config();
        let most = client.grpc_client_max_message_size();
        let endpoint = create_grpc_client_endpoint(self.scheduler.clone(), Some(&GrpcClientConfig::from(&client)));
        let channel = endpoint.map_err(failed)?.connect().await.map_err(|error| failed(chain(&error)))?;
        let version = [(BALLISTA_VERSION_HEADER.to_string(), BALLISTA_VERSION.to_string())].into();
        let mut scheduler =
            SchedulerGrpcClient::with_interceptor(channel, BallistaGrpcMetadataInterceptor::new(version))
                .max_encoding_message_size(most)
                .max_decoding_message_size(most);
        let mut states = scheduler.execute_query_push(job).await.map_err(failed)?.into_inner();
        while let Some(state) = states.try_next().await.map_err(failed)? {
            match state.status.and_then(|job| job.status) {
                Some(Status::Successful(job)) => return Ok(job.partition_location),
                Some(Status::Failed(job)) => return Err(failed(job.error)),
                _ => {}
            }
        }
        Err(failed("the scheduler is gone"))
    }

    /// Why a question that was sent has no answer.
    pub fn lost(&self, error: &DataFusionError) -> Error {
        self.wrong(
            plain(error),
            "ask again if an executor went away; executors must see the lake under the same path: docs/scale.md",
        )
    }

    /// The lake is in an object store, and executors are not told its keys.
    pub fn without_keys(&self) -> Error {
        let hint = "ask without --engine, or keep the lake in a folder that all machines mount: docs/scale.md";
        self.wrong("the lake is in an object store, whose keys no executor is told".into(), hint)
    }

    fn wrong(&self, what: String, hint: &str) -> Error {
        Error::Cluster { place: self.place.clone(), what, hint: hint.into() }
    }
}

/// What a plan is worked out by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    Cluster,
    /// This process: what tells of the session itself.
    Here,
    /// This process too: no cluster can run it, for this reason.
    HereAs(String),
}

impl Where {
    /// # Errors
    /// A plan that reads the session's own tables together with others.
    pub fn of(plan: &LogicalPlan) -> Result<Self> {
        use LogicalPlan::{Analyze, DescribeTable, Explain, RecursiveQuery};
        let tells = plan.exists(|step| Ok(matches!(step, Analyze(_) | DescribeTable(_) | Explain(_))))?;
        if tells || scans_only_information_schema(plan)? {
            return Ok(Self::Here);
        }
        let known = BallistaFunctionRegistry::default().scalar_functions;
        let mut found = Self::Cluster;
        plan.apply_with_subqueries(|step| {
            if matches!(step, RecursiveQuery(_)) {
                found = Self::HereAs("it is recursive".into());
                return Ok(TreeNodeRecursion::Stop);
            }
            step.apply_expressions(|expression| {
                expression.apply(|part| match part {
                    Expr::ScalarFunction(call) if !known.contains_key(call.name()) => {
                        found = Self::HereAs(format!("it uses the function {}", call.name()));
                        Ok(TreeNodeRecursion::Stop)
                    }
                    _ => Ok(TreeNodeRecursion::Continue),
                })
            })
        })?;
        Ok(found)
    }
}

/// An error with what it came from.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(|cause| cause.to_string()).collect::<Vec<_>>().join(": ")
}

fn failed(why: impl std::fmt::Display) -> DataFusionError {
    DataFusionError::Execution(why.to_string())
}

fn plain(error: &DataFusionError) -> String {
    super::one_line(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_scheduler_and_how_many_pieces() {
        let parsed = |place: &str| place.parse::<Cluster>().map(|c| (c.scheduler, c.partitions)).ok();
        assert_eq!("df://big?seconds=60".parse::<Cluster>().unwrap().seconds, 60);
        assert_eq!(parsed("df://big:6000"), Some(("http://big:6000".into(), 16)));
        assert_eq!(parsed("df://big"), Some(("http://big:50050".into(), 16)));
        assert_eq!(parsed("df://10.0.0.7:6000?partitions=64"), Some(("http://10.0.0.7:6000".into(), 64)));
        assert_eq!(parsed("df://[::1]:6000/"), Some(("http://[::1]:6000".into(), 16)));
        for wrong in [
            "",
            "big:6000",
            "http://big:6000",
            "df://",
            "df://:6000",
            "df://big:99999",
            "df://big/x",
            "df://user@big",
            "df://user:secret@big",
            "df://big#x",
            "df://big?partitions=0",
            "df://big?partitions=many",
            "df://big?pieces=3",
        ] {
            let said = wrong.parse::<Cluster>().unwrap_err();
            assert!(said.starts_with("write it as df://host:port") && !said.contains("secret"), "{wrong}: {said}");
        }
    }
}
