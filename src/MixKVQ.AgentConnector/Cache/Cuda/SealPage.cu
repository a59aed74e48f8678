// Seals a page in four launches: measure_block, order_lines and plan_page (where the plan is BudgetPolicy's), pack_matrix.
#include "MeasureBlock.cuh"
#include "PlanPage.cuh"
#include "PackMatrix.cuh"
