#include "cli/building.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

namespace varve::cli {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kMonday = 1'780'272'000;  // 2026-06-01, midnight
constexpr int64_t kHour = 3600;
constexpr int64_t kDay = 24 * kHour;

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

// The number behind `name` in the first line that has `tags`.
double Field(const std::string& lines, const std::string& tags, const std::string& name) {
  const size_t line = lines.find(tags);
  const size_t at = line == std::string::npos ? line : lines.find(name + "=", line);
  if (at == std::string::npos) {
    ADD_FAILURE() << "no " << name << " of " << tags << " in " << lines.substr(0, 200);
    return 0;
  }
  return std::strtod(lines.c_str() + at + name.size() + 1, nullptr);
}

double People(const std::string& lines) {
  double people = 0;
  for (const std::string& line : Lines(lines)) people += Field(line, "climate", "occupancy");
  return people;
}

TEST(BuildingTest, TheSameTimeGivesTheSameLines) {
  std::string one;
  std::string two;
  Building().AppendClimate(kMonday, one);
  Building().AppendClimate(kMonday, two);
  EXPECT_EQ(one, two);
  EXPECT_EQ(Lines(one).size(), 40u);
  EXPECT_THAT(one, HasSubstr("climate,floor=1,room=101,sensor=s01 temperature="));
  EXPECT_THAT(one, HasSubstr("climate,floor=5,room=508,sensor=s40 temperature="));
  EXPECT_THAT(one, HasSubstr("i 1780272000\n"));
}

TEST(BuildingTest, EachSensorHasARoomOfItsFloor) {
  for (const size_t sensors : {1u, 3u, 5u, 7u, 600u}) {
    const Building building(sensors);
    std::string lines;
    building.AppendClimate(kMonday, lines);
    std::set<std::string> rooms;
    std::set<std::string> floors;
    for (const std::string& line : Lines(lines)) {
      const std::string floor = line.substr(line.find("floor=") + 6, 1);
      const size_t at = line.find("room=") + 5;
      const std::string room = line.substr(at, line.find(',', at) - at);
      EXPECT_EQ(room.substr(0, 1), floor) << line;
      rooms.insert(room);
      floors.insert(floor);
    }
    EXPECT_EQ(rooms.size(), sensors);
    EXPECT_EQ(floors.size(), building.meters());
    EXPECT_LE(floors.size(), Building::kFloors);
  }
}

TEST(BuildingTest, PeopleComeOnWorkdays) {
  const Building building;
  std::string night, noon, sunday;
  building.AppendClimate(kMonday + 2 * kHour, night);
  building.AppendClimate(kMonday + 12 * kHour, noon);
  building.AppendClimate(kMonday + 6 * kDay + 12 * kHour, sunday);
  EXPECT_EQ(People(night), 0);
  EXPECT_GT(People(noon), 80);
  EXPECT_LT(People(sunday), People(noon) / 5);
}

TEST(BuildingTest, MetersCountTheirPower) {
  Building building;
  double before = 0;
  double integral = 0;
  double first = 0;
  for (int64_t time_s = kMonday; time_s <= kMonday + 3 * kDay; time_s += 60) {
    std::string lines;
    building.AppendEnergy(time_s, lines);
    const double kwh = Field(lines, "floor=3,meter=m3", "kwh");
    if (time_s == kMonday) {
      first = kwh;
    } else {
      EXPECT_GE(kwh, before) << time_s;
    }
    before = kwh;
    integral += Field(lines, "floor=3,meter=m3", "power") / 60;
  }
  EXPECT_GT(before - first, 3 * 24);
  EXPECT_NEAR(before - first, integral, 0.01 * integral);
  std::string again;
  Building().AppendEnergy(kMonday + 3 * kDay, again);  // from nothing, and to the same counter
  EXPECT_EQ(Field(again, "floor=3,meter=m3", "kwh"), before);
}

TEST(BuildingTest, AnHourHasTheMeansOfItsReadings) {
  Building building;
  std::string hour;
  building.AppendHour(kMonday + 10 * kHour, hour);
  double sum = 0;
  double co2 = 0;
  for (int64_t i = 0; i < 360; ++i) {
    std::string lines;
    building.AppendClimate(kMonday + 10 * kHour + i * 10, lines);
    sum += Field(lines, "sensor=s17", "temperature");
    co2 += Field(lines, "sensor=s17", "co2");
  }
  EXPECT_NEAR(Field(hour, "sensor=s17", "temperature"), sum / 360, 0.15);
  EXPECT_NEAR(Field(hour, "sensor=s17", "co2"), co2 / 360, 15);
  EXPECT_LE(Field(hour, "sensor=s17", "temperature_min"), sum / 360);
  EXPECT_GE(Field(hour, "sensor=s17", "temperature_max"), sum / 360);
  std::string next;
  building.AppendEnergy(kMonday + 11 * kHour, next);
  EXPECT_NEAR(Field(hour, "meter=m2", "kwh"), Field(next, "meter=m2", "kwh"), 0.01);
}

// Sensors that were cut off send what they held: late, but all of it.
TEST(BuildingTest, WhatRadiosHoldArrivesLate) {
  for (const int64_t interval_s : {50, 70, 1200}) {
    Building building(20);
    std::multiset<std::string> late;
    std::multiset<std::string> in_place;
    size_t out_of_order = 0;
    // The step behind the day brings what was held in the day's last quarter of an hour.
    const int64_t first_s = kMonday / interval_s * interval_s;
    const int64_t end_s = (kMonday + kDay) / interval_s * interval_s + interval_s;
    for (int64_t time_s = first_s; time_s <= end_s + 900; time_s += interval_s) {
      std::string lines;
      building.AppendStep(time_s, interval_s, Building::Late::kHeld, lines);
      for (const std::string& line : Lines(lines)) {
        const int64_t of_s = std::atoll(line.c_str() + line.rfind(' ') + 1);
        out_of_order += of_s != time_s;
        if (of_s >= first_s && of_s < end_s) late.insert(line);
      }
      if (time_s >= end_s) continue;
      lines.clear();
      building.AppendStep(time_s, interval_s, Building::Late::kInPlace, lines);
      for (const std::string& line : Lines(lines)) in_place.insert(line);
    }
    EXPECT_EQ(late, in_place) << interval_s;
    EXPECT_GT(out_of_order, 10u) << interval_s;
    const auto steps = static_cast<size_t>((end_s - first_s) / interval_s);
    EXPECT_LT(in_place.size(), 25 * steps);  // batteries run low
    EXPECT_GT(in_place.size(), 24 * steps);
  }
}

TEST(BuildingTest, EventsOfPartsAreThoseOfTheWhole) {
  std::string whole;
  std::string parts;
  Building::AppendEvents(kMonday, kMonday + 28 * kDay, whole);
  for (int64_t time_s = kMonday; time_s < kMonday + 28 * kDay; time_s += 7 * kHour) {
    Building::AppendEvents(time_s, std::min(time_s + 7 * kHour, kMonday + 28 * kDay), parts);
  }
  EXPECT_EQ(whole, parts);
  EXPECT_THAT(whole, HasSubstr("events,kind=safety title=\"Fire drill\",text="));
  EXPECT_THAT(whole, HasSubstr("events,kind=windows title=\"Windows opened\",text="));
  EXPECT_GT(Lines(whole).size(), 12u);
}

}  // namespace
}  // namespace varve::cli
