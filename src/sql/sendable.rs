//! A plan in words that a cluster understands: steps that upstream's stages count or cut wrongly are said in another way, with
//! the same rows. Sends nothing.

use std::sync::Arc;

use arrow::compute::SortOptions;
use datafusion::common::JoinType;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::window::WindowExpr;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, PartitionMode};
use datafusion::physical_plan::limit::GlobalLimitExec;
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, Partitioning, collect_partitioned};

use super::pieces;

/// The same rows by steps that can be sent.
pub async fn sendable(plan: Arc<dyn ExecutionPlan>, context: &Arc<TaskContext>) -> Result<Arc<dyn ExecutionPlan>> {
    let mut plan = plan;
    // Where a union has a row of literals among its parts, tasks that have no share in it have another number of steps to report than
    // those that have, and the scheduler waits for the rest of them for ever.
    while let Some(part) = literals(&plan) {
        let rows = collect_partitioned(part.clone(), context.clone()).await?;
        let rows: Arc<dyn ExecutionPlan> =
            DataSourceExec::from_data_source(MemorySourceConfig::try_new(&rows, part.schema(), None)?);
        plan = pieces::put(plan, &part, &rows)?;
    }
    let said = plan.transform_up(|plan| {
        if plan.is::<UnionExec>() {
            let parts = plan.children().into_iter().map(|part| parted(part, plan.output_ordering()));
            let parts = parts.collect::<Result<_>>()?;
            return Ok(Transformed::yes(replace_children_if_necessary(plan, parts)?));
        }
        if let Some((left, right)) = handed_round(&plan) {
            // A scheduler takes out whatever gathers rows that nobody asks for in one place. A limit of none asks.
            let gathered = Arc::new(CoalescePartitionsExec::new(right.clone()));
            let whole: Arc<dyn ExecutionPlan> = Arc::new(GlobalLimitExec::new(gathered, 0, None));
            let sides = vec![left.clone(), whole];
            return Ok(Transformed::yes(replace_children_if_necessary(plan, sides)?));
        }
        Ok(Transformed::no(plan))
    });
    windows_sorted(said.data()?)
}

/// The same with the input of each window in the order that it needs, whatever is known behind a stage.
pub fn windows_sorted(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let sorted = plan.transform_up(|plan| {
        Ok(match window(&plan).and_then(|window| sorted(&plan, window)) {
            Some(input) => Transformed::yes(replace_children_if_necessary(plan, vec![input])?),
            None => Transformed::no(plan),
        })
    });
    sorted.data()
}

/// Left and right.
type Sides<'a> = (&'a Arc<dyn ExecutionPlan>, &'a Arc<dyn ExecutionPlan>);

/// The sides of a join whose left one is handed to every task, and of whose left rows each task tells those that it found no
/// match for, or the first one. It knows of the matches of its own share of the right side only: so one task must have all of that.
fn handed_round(plan: &Arc<dyn ExecutionPlan>) -> Option<Sides<'_>> {
    use JoinType::{Full, Left, LeftAnti, LeftMark, LeftSemi};
    let loops = plan.downcast_ref::<NestedLoopJoinExec>().map(|join| (*join.join_type(), join.left(), join.right()));
    let by_key = || {
        let join =
            plan.downcast_ref::<HashJoinExec>().filter(|join| *join.partition_mode() == PartitionMode::CollectLeft);
        join.map(|join| (*join.join_type(), join.left(), join.right()))
    };
    let (kind, left, right) = loops.or_else(by_key)?;
    let tells_of_left = matches!(kind, Left | Full | LeftSemi | LeftAnti | LeftMark);
    (tells_of_left && right.output_partitioning().partition_count() > 1).then_some((left, right))
}

/// A part of a union as a stage of its own. In one stage with the union, a part that gathers rows of all others in itself is worked
/// out by every task, and its rows come as often.
fn parted(part: &Arc<dyn ExecutionPlan>, order: Option<&LexOrdering>) -> Result<Arc<dyn ExecutionPlan>> {
    let Some(column) = part.schema().fields().first().map(|field| Column::new(field.name(), 0)) else {
        return Ok(part.clone());
    };
    let by = Partitioning::Hash(vec![Arc::new(column)], part.output_partitioning().partition_count());
    let stage: Arc<dyn ExecutionPlan> = Arc::new(RepartitionExec::try_new(part.clone(), by)?);
    Ok(match order {
        Some(order) => Arc::new(SortExec::new(order.clone(), stage).with_preserve_partitioning(true)),
        None => stage,
    })
}

/// The largest part that reads nothing, if there is any.
fn literals(plan: &Arc<dyn ExecutionPlan>) -> Option<Arc<dyn ExecutionPlan>> {
    if reads_nothing(plan) {
        return Some(plan.clone());
    }
    plan.children().into_iter().find_map(literals)
}

fn reads_nothing(plan: &Arc<dyn ExecutionPlan>) -> bool {
    if plan.is::<PlaceholderRowExec>() || plan.is::<EmptyExec>() {
        return true;
    }
    (plan.is::<ProjectionExec>() || plan.is::<FilterExec>() || plan.is::<UnionExec>())
        && plan.children().into_iter().all(reads_nothing)
}

fn window(plan: &Arc<dyn ExecutionPlan>) -> Option<&Arc<dyn WindowExpr>> {
    let bounded = plan.downcast_ref::<BoundedWindowAggExec>().map(BoundedWindowAggExec::window_expr);
    let whole = || plan.downcast_ref::<WindowAggExec>().map(WindowAggExec::window_expr);
    bounded.or_else(whole)?.first()
}

/// A window's input sorted by all that the window parts rows by, where it is not said to be. A part that is the same in every row
/// is left out of a sort; that it is the same nobody knows any more behind a stage, and the window fails.
fn sorted(plan: &Arc<dyn ExecutionPlan>, window: &Arc<dyn WindowExpr>) -> Option<Arc<dyn ExecutionPlan>> {
    let parts = window.partition_by();
    let [input] = plan.children()[..] else { return None };
    let said: Vec<_> = input.output_ordering().into_iter().flat_map(|order| order.iter()).collect();
    let is_said = |part| said.iter().take(parts.len()).any(|by| by.expr.eq(part));
    if parts.iter().all(is_said) {
        return None;
    }
    let parts = parts.iter().map(|part| PhysicalSortExpr::new(part.clone(), SortOptions::default()));
    let order = LexOrdering::new(parts.chain(window.order_by().iter().cloned()))?;
    let unsorted =
        input.downcast_ref::<SortExec>().filter(|sort| sort.fetch().is_none()).map_or(input, SortExec::input);
    let keeps = unsorted.output_partitioning().partition_count() > 1;
    Some(Arc::new(SortExec::new(order, unsorted.clone()).with_preserve_partitioning(keeps)))
}
