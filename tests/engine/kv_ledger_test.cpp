#include "engine/kv_ledger.h"

#include <gtest/gtest.h>

namespace sovereign::engine {
namespace {

TEST(KvLedger, SharingCostsNoCellAndACellIsFreeWhenItsLastHolderLetsGo) {
  KvLedger ledger(10, 3);
  ledger.set_active(0, true);
  ledger.append(0, 6);
  ledger.set_active(1, true);
  ledger.share(0, 1, 4);
  EXPECT_EQ(ledger.used_cells(), 6U);

  ledger.append(1, 2);
  EXPECT_EQ(ledger.used_cells(), 8U);
  ledger.truncate(0, 0);
  EXPECT_EQ(ledger.used_cells(), 6U) << "slot 1 still holds the 4 shared cells and 2 of its own";
  ledger.truncate(1, 0);
  EXPECT_EQ(ledger.free_cells(), 10U);
}

TEST(KvLedger, OnlyCellsThatNoActiveSlotHoldsAreEvictable) {
  KvLedger ledger(10, 3);
  ledger.set_active(0, true);
  ledger.append(0, 5);
  EXPECT_EQ(ledger.evictable_cells(), 0U);

  ledger.set_active(0, false);
  EXPECT_EQ(ledger.evictable_cells(), 5U);
  ledger.share(0, 1, 3);
  EXPECT_EQ(ledger.evictable_cells_within(0, 5), 5U);
  ledger.set_active(1, true);
  EXPECT_EQ(ledger.evictable_cells(), 2U);
  EXPECT_EQ(ledger.evictable_cells_within(0, 3), 0U);
  EXPECT_EQ(ledger.evictable_cells_within(0, 5), 2U);
}

TEST(KvLedger, TruncatingKeepsTheBeginning) {
  KvLedger ledger(8, 1);
  ledger.append(0, 8);
  ledger.truncate(0, 3);
  EXPECT_EQ(ledger.length(0), 3U);
  EXPECT_EQ(ledger.free_cells(), 5U);
}

}  // namespace
}  // namespace sovereign::engine
