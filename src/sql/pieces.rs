//! A plan cut into pieces, each a job of its own. In a job rows change hands once: where an executor is lost, Ballista 55 begins the
//! stage again that reads its rows, and keeps what that stage had written for the next; of the last stage that can be seen, in its
//! answer. And a message of Ballista's may nest a hundred deep, of which a step takes two. Finds where to cut, puts something in the
//! place of what was cut off, and knows where no cut helps; sends nothing.

use std::sync::Arc;

use ballista_core::execution_plans::ShuffleReaderExec;
use ballista_core::serde::scheduler::PartitionLocation;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use datafusion_proto::physical_plan::{AsExecutionPlan, PhysicalExtensionCodec};
use datafusion_proto::protobuf::PhysicalPlanNode;

/// How deep a piece may be, with room for what scheduler and executor wrap around it.
const DEEPEST: usize = 80;
/// How deep a piece is worth to be cut off where executors hand rows to each other anyhow.
const DEEP: usize = 40;
/// Steps that a scheduler may put around a stage: the one that writes its rows down, and one that puts columns in order again where it
/// swapped the sides of a join.
const AROUND: usize = 2;
/// The number of a stage that no job has. Where rows were lost with an executor, a scheduler takes out what reads them and looks for them
/// anew, by this number, among the stages of its own job: one that it has would give rows of something else.
const NO_STAGE: usize = u32::MAX as usize;

/// Whether a scheduler can read the plan, cut into its pieces. One expression that is too deep by itself cannot be cut.
pub fn fit(plan: &Arc<dyn ExecutionPlan>, codec: &dyn PhysicalExtensionCodec) -> Result<bool> {
    let mut plan = plan.clone();
    loop {
        let pieces = pieces(&plan);
        if pieces.is_empty() {
            return is_read(&plan, codec);
        }
        for piece in pieces {
            if !is_read(&piece, codec)? {
                return Ok(false);
            }
            let nowhere = vec![Vec::new(); piece.output_partitioning().partition_count()];
            plan = replaced(plan, &piece, left(&piece, nowhere)?)?;
        }
    }
}

/// Parts that are to be worked out before the rest, none within another, none too deep itself or with rows that change hands
/// twice; none where the whole is not.
pub fn pieces(plan: &Arc<dyn ExecutionPlan>) -> Vec<Arc<dyn ExecutionPlan>> {
    let mut pieces = Vec::new();
    handed_twice(plan, &mut pieces);
    if pieces.is_empty() {
        pieces.extend(depth(plan).err());
    }
    pieces
}

/// What is below a hand-over and has one within, where more than one task works it out: then some can be done when an executor is
/// lost. Whether rows change hands in the plan, its pieces aside.
fn handed_twice(plan: &Arc<dyn ExecutionPlan>, pieces: &mut Vec<Arc<dyn ExecutionPlan>>) -> bool {
    let mut is_handed = hands_over(plan);
    for child in plan.children() {
        let known = pieces.len();
        let is_within = handed_twice(child, pieces);
        let is_of_many = child.output_partitioning().partition_count() > 1;
        match hands_over(plan) && is_within && is_of_many && pieces.len() == known {
            true => pieces.push(unsorted(child).clone()),
            false => is_handed |= is_within,
        }
    }
    is_handed
}

/// Whether a scheduler may make a stage of its own of what is below a step.
fn hands_over(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let hands_round =
        |join: &HashJoinExec| matches!(join.partition_mode(), PartitionMode::CollectLeft | PartitionMode::Auto);
    plan.is::<RepartitionExec>()
        || plan.is::<CoalescePartitionsExec>()
        || plan.is::<SortPreservingMergeExec>()
        || plan.is::<UnionExec>()
        || plan.downcast_ref::<HashJoinExec>().is_some_and(hands_round)
}

/// Rows before they are put in order: who reads what was left of them can do that.
fn unsorted(plan: &Arc<dyn ExecutionPlan>) -> &Arc<dyn ExecutionPlan> {
    match plan.children()[..] {
        [rows] if plan.is::<SortExec>() => unsorted(rows),
        _ => plan,
    }
}

/// The plan with what was left of a piece in its place, in the order that the piece had.
pub fn replaced(
    plan: Arc<dyn ExecutionPlan>,
    piece: &Arc<dyn ExecutionPlan>,
    left: ShuffleReaderExec,
) -> Result<Arc<dyn ExecutionPlan>> {
    let left: Arc<dyn ExecutionPlan> = Arc::new(left);
    let left = match piece.output_ordering() {
        Some(order) => Arc::new(SortExec::new(order.clone(), left).with_preserve_partitioning(true)),
        None => left,
    };
    put(plan, piece, &left)
}

/// The plan with another step in the place of one.
pub fn put(
    plan: Arc<dyn ExecutionPlan>,
    piece: &Arc<dyn ExecutionPlan>,
    by: &Arc<dyn ExecutionPlan>,
) -> Result<Arc<dyn ExecutionPlan>> {
    if Arc::ptr_eq(&plan, piece) {
        return Ok(by.clone());
    }
    let children = plan.children().into_iter().map(|child| put(child.clone(), piece, by));
    let children = children.collect::<Result<Vec<_>>>()?;
    replace_children_if_necessary(plan, children)
}

/// A plan as it is sent.
pub fn message(plan: &Arc<dyn ExecutionPlan>, codec: &dyn PhysicalExtensionCodec) -> Result<Vec<u8>> {
    let mut message = Vec::new();
    PhysicalPlanNode::try_from_physical_plan(plan.clone(), codec)?.try_encode(&mut message)?;
    Ok(message)
}

/// The step that reads what was left of a piece; of each partition, where its rows are. They are found by that alone.
pub fn left(piece: &Arc<dyn ExecutionPlan>, partitions: Vec<Vec<PartitionLocation>>) -> Result<ShuffleReaderExec> {
    let partitioning = piece.output_partitioning().clone();
    ShuffleReaderExec::try_new(NO_STAGE, partitions, piece.schema(), partitioning)
}

/// Whether its message can be read again, with what comes around it.
fn is_read(plan: &Arc<dyn ExecutionPlan>, codec: &dyn PhysicalExtensionCodec) -> Result<bool> {
    let mut whole = plan.clone();
    for _ in 0..AROUND {
        whole = Arc::new(CoalescePartitionsExec::new(whole));
    }
    Ok(PhysicalPlanNode::try_decode(&message(&whole, codec)?).is_ok())
}

/// Messages within each other, or a part to be cut off. Not where rows come in an order: it would have to be made again.
fn depth(plan: &Arc<dyn ExecutionPlan>) -> Result<usize, Arc<dyn ExecutionPlan>> {
    let most = if stops(plan) { DEEP } else { DEEPEST };
    let mut deepest = own_depth(plan);
    for child in plan.children() {
        let depth = depth(child)?;
        if depth > most && child.output_ordering().is_none() {
            return Err(child.clone());
        }
        deepest = deepest.max(depth);
    }
    Ok(deepest + 2)
}

/// Whether a step takes all rows before it gives one, or hands them to other executors.
fn stops(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.is::<RepartitionExec>()
        || plan.is::<CoalescePartitionsExec>()
        || plan.is::<SortPreservingMergeExec>()
        || plan.is::<SortExec>()
}

/// Of the step's own expressions: each is two messages and may stand in a third.
fn own_depth(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let mut deepest = 0;
    let looked = plan.apply_expressions(&mut |expression| {
        deepest = deepest.max(1 + 3 * levels(expression));
        Ok(TreeNodeRecursion::Continue)
    });
    looked.map_or(0, |_| deepest)
}

fn levels(expression: &Arc<dyn PhysicalExpr>) -> usize {
    1 + expression.children().into_iter().map(levels).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use arrow::datatypes::{DataType, Field, Schema};
    use ballista_core::serde::BallistaPhysicalExtensionCodec;
    use ballista_scheduler::planner::{remove_unresolved_shuffles, rollback_resolved_shuffles};
    use datafusion::execution::TaskContext;
    use datafusion::physical_expr::expressions::{Column, NotExpr};
    use datafusion::physical_plan::Partitioning;
    use datafusion::physical_plan::empty::EmptyExec;
    use datafusion::physical_plan::filter::FilterExec;

    use super::*;

    fn rows() -> Arc<dyn ExecutionPlan> {
        Arc::new(EmptyExec::new(Arc::new(Schema::new(vec![Field::new("b", DataType::Boolean, true)]))))
    }

    /// Where not not … `b`.
    fn filtered(rows: Arc<dyn ExecutionPlan>, nots: usize) -> Arc<dyn ExecutionPlan> {
        let mut expression: Arc<dyn PhysicalExpr> = Arc::new(Column::new("b", 0));
        for _ in 0..nots {
            expression = Arc::new(NotExpr::new(expression));
        }
        Arc::new(FilterExec::try_new(expression, rows).unwrap())
    }

    fn in_two(rows: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        Arc::new(RepartitionExec::try_new(rows, Partitioning::RoundRobinBatch(2)).unwrap())
    }

    /// In a thread with room: a plan is walked in depth.
    #[test]
    fn steps_can_be_cut_and_an_expression_cannot() {
        let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(cut).unwrap();
        thread.join().unwrap();
    }

    /// A `not` is two messages, as a step is, and there may be a hundred within each other.
    fn cut() {
        let fits = |plan: Arc<dyn ExecutionPlan>| fit(&plan, &BallistaPhysicalExtensionCodec::default()).unwrap();
        let steps = (0..200).fold(rows(), |rows, _| filtered(rows, 1));
        assert!(!is_read(&steps, &BallistaPhysicalExtensionCodec::default()).unwrap());
        assert!(fits(steps));
        for (nots, is_read) in [(40, true), (60, false)] {
            assert_eq!(fits(filtered(rows(), nots)), is_read, "{nots}");
            // In the midst of others, where it can be cut off with its step.
            assert_eq!(fits(in_two(filtered(rows(), nots))), is_read, "{nots}");
            assert_eq!(fits(filtered(in_two(filtered(in_two(rows()), nots)), 1)), is_read, "{nots}");
        }
    }

    /// What a stage had written before it was begun again is seen in the answer of a job, and nowhere else.
    #[test]
    fn rows_change_hands_once_a_job() {
        let by_key = |rows: Arc<dyn ExecutionPlan>| -> Arc<dyn ExecutionPlan> {
            Arc::new(
                RepartitionExec::try_new(rows, Partitioning::Hash(vec![Arc::new(Column::new("b", 0))], 4)).unwrap(),
            )
        };
        let gathered = |rows| -> Arc<dyn ExecutionPlan> { Arc::new(CoalescePartitionsExec::new(rows)) };
        let both = |one, other| UnionExec::try_new(vec![one, other]).unwrap();
        let times = |plan: &Arc<dyn ExecutionPlan>| {
            let mut plan = plan.clone();
            let mut jobs = 1;
            loop {
                let pieces = pieces(&plan);
                if pieces.is_empty() {
                    return jobs;
                }
                for piece in pieces {
                    assert!(super::pieces(&piece).is_empty(), "a piece has none itself");
                    jobs += 1;
                    plan = replaced(plan, &piece, left(&piece, vec![Vec::new(); 4]).unwrap()).unwrap();
                }
            }
        };
        for (plan, jobs) in [
            (filtered(rows(), 1), 1),
            (by_key(rows()), 1),
            (gathered(filtered(by_key(rows()), 1)), 2),
            (by_key(filtered(by_key(filtered(by_key(rows()), 1)), 1)), 3),
            (gathered(both(filtered(by_key(rows()), 1), filtered(by_key(rows()), 1))), 4),
            // One task is done or is not.
            (by_key(filtered(gathered(by_key(rows())), 1)), 2),
        ] {
            assert_eq!(times(&plan), jobs, "{}", datafusion::physical_plan::displayable(plan.as_ref()).indent(false));
        }
    }

    /// Upstream's own steps when an executor is lost: what a stage reads is taken out, and looked for again by its number.
    #[test]
    fn what_was_left_is_never_looked_for_among_the_stages_of_the_next_job() {
        let codec = BallistaPhysicalExtensionCodec::default();
        let stage: Arc<dyn ExecutionPlan> =
            Arc::new(CoalescePartitionsExec::new(Arc::new(left(&rows(), vec![Vec::new()]).unwrap())));
        let sent = PhysicalPlanNode::try_from_physical_plan(stage, &codec).unwrap();
        let stage = sent.try_into_physical_plan(&TaskContext::default(), &codec).unwrap();
        let again = rollback_resolved_shuffles(stage).unwrap();
        let own: HashMap<usize, HashMap<usize, Vec<PartitionLocation>>> =
            (0..1000).map(|stage| (stage, HashMap::new())).collect();
        assert!(remove_unresolved_shuffles(again, &own).is_err());
    }
}
