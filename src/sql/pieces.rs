//! A plan too deep to be sent, cut into pieces that are not. A message of Ballista's may nest a hundred deep and a step of
//! a plan takes two of those, so that a report that stands on views which stand on views does not fit in one. Finds where to cut and
//! puts something in the place of what was cut off; sends nothing.

use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

/// How deep a piece may be, with room for what scheduler and executor wrap around it.
const DEEPEST: usize = 80;
/// How deep a piece is worth to be cut off where executors hand rows to each other anyhow.
const DEEP: usize = 40;

/// A part that is to be worked out before the rest, itself not too deep; none where the whole is not.
pub fn piece(plan: &Arc<dyn ExecutionPlan>) -> Option<Arc<dyn ExecutionPlan>> {
    depth(plan).err()
}

/// The plan with another step in the place of a piece.
pub fn replaced(
    plan: Arc<dyn ExecutionPlan>,
    piece: &Arc<dyn ExecutionPlan>,
    by: &Arc<dyn ExecutionPlan>,
) -> Result<Arc<dyn ExecutionPlan>> {
    if Arc::ptr_eq(&plan, piece) {
        return Ok(by.clone());
    }
    let children = plan.children().into_iter().map(|child| replaced(child.clone(), piece, by));
    let children = children.collect::<Result<Vec<_>>>()?;
    replace_children_if_necessary(plan, children)
}

/// Messages within each other, or a part to be cut off. Not where rows come in an order: who reads what was left
/// does not know of it.
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
