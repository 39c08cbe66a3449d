#include "test/attack/table.h"

#include <stdio.h>

namespace warden::attack {
namespace {

void print_row(const std::string& name, const Row& row) {
  printf("%-17s%6d%6d%6d%6d%6d%6d%6d%6d%8d ", name.c_str(), row.trees, row.ok, row.host_gone, row.survivors,
         row.overrun, row.unexpected, row.hangs, row.slow, row.refused);
  for (const auto& [code, count] : row.errors) printf(" %s: %d", code.c_str(), count);
  if (row.spawn_errors > 0) printf(" spawn errors: %d", row.spawn_errors);
  if (row.skipped > 0) printf(" skipped: %d", row.skipped);
  printf("\n");
}

void add(Row& sum, const Row& row) {
  for (const auto member : {&Row::trees, &Row::ok, &Row::host_gone, &Row::survivors, &Row::overrun, &Row::unexpected,
                            &Row::hangs, &Row::slow, &Row::refused, &Row::spawn_errors, &Row::skipped}) {
    sum.*member += row.*member;
  }
  for (const auto& [code, count] : row.errors) sum.errors[code] += count;
}

}  // namespace

void print_table(const std::map<std::string, Row>& rows) {
  printf("%-17s%6s%6s%6s%6s%6s%6s%6s%6s%8s  errors\n", "attack", "trees", "ok", "host", "left", "lost", "unexp", "hang",
         "slow", "refused");
  Row sum;
  for (const auto& [name, row] : rows) print_row(name, row);
  for (const auto& [name, row] : rows) add(sum, row);
  print_row("all", sum);
  printf(
      "ok: a call that returned Ok with nobody left; host: a host's death with nobody left; left: survivors against "
      "the promise;\nlost: survivors after an error or an attack that may lose the tree; unexp: an error where none "
      "is due; slow: beyond the bound;\nrefused: steps of the attack that the system refused\n");
}

}  // namespace warden::attack
