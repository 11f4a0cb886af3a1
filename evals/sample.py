"""Makes the sample papers that are not plain text, and checks that their figures agree.

Run ``python -m evals.sample [FOLDER]``; the folder is backend/sample unless another is named.
"""

# ruff: noqa: E501  # the prose below is kept one paragraph to a line

from __future__ import annotations

import csv
import re
import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

HOME = Path(__file__).parents[1] / "backend" / "sample"
WRITTEN = datetime(2026, 2, 9, 8, 0, tzinfo=UTC).replace(tzinfo=None)

BIKES_2025, BIKE_REVENUE_2025 = 5_480, 19_300_000
SHARES = {"Norway": 0.27, "Sweden": 0.22, "Denmark": 0.16, "Germany": 0.35}
SEASON = (4, 5, 8, 10, 12, 12, 10, 8, 11, 9, 6, 5)
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def sales() -> list[tuple[str, str, int, int]]:
    """Month, country, bikes and revenue; the bikes and the revenue add up to the year's."""
    exact = [
        (month, country, BIKES_2025 * weight / sum(SEASON) * share)
        for month, weight in zip(MONTHS, SEASON, strict=True)
        for country, share in SHARES.items()
    ]
    bikes = [int(amount) for _, _, amount in exact]
    for place in range(BIKES_2025 - sum(bikes)):
        bikes[place % len(bikes)] += 1
    price = BIKE_REVENUE_2025 / BIKES_2025
    revenue = [round(count * price / 100) * 100 for count in bikes]
    revenue[-1] += BIKE_REVENUE_2025 - sum(revenue)
    assert sum(bikes) == BIKES_2025
    assert sum(revenue) == BIKE_REVENUE_2025
    return [(m, c, b, r) for (m, c, _), b, r in zip(exact, bikes, revenue, strict=True)]


def make_csv(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["Month", "Country", "Bikes sold", "Revenue in EUR"])
        writer.writerows((f"{month} 2025", country, b, r) for month, country, b, r in sales())


# --- the market study

STUDY: list[tuple[str, Any]] = [
    ("title", "E-cargo bikes in Austria and Iberia"),
    ("subtitle", "A market study for Halden Cycles · Brunnmayr & Vidal, Linz · December 2025"),
    ("h", "1. Summary"),
    ("p", "The Austrian market for e-cargo bikes grew 12.1 % in 2025, from 12,400 to 13,900 bikes. Its value rose to EUR 71.5 million, because the average price went up slightly to EUR 5,144. Austria is the smaller but the richer of the two markets in this study: a household with a cargo bike replaces a second car, and pays accordingly."),
    ("p", "Spain grew faster, by 18.4 % to 8,600 bikes, and Portugal by 16.7 % to 2,100 bikes. Both start from a low base and at a lower price: the average bike costs EUR 4,310 in Spain and EUR 4,050 in Portugal."),
    ("p", "We recommend that Halden Cycles enter Austria first, with a stock of spare parts in the country from the first day. Buyers are satisfied with the bikes that are on offer and dissatisfied with what happens after the sale. A maker that repairs within 48 hours would stand out in every one of the conversations we had."),
    ("h", "2. What was counted, and how"),
    ("p", "We counted new bikes with an electric motor and a load of at least 100 kilograms besides the rider, sold or leased to private and business customers. Leasing, company fleets and direct sales by the makers are included. Statistics that rest on dealers' reports alone leave these out and show a smaller and slower market."),
    ("p", "The figures rest on the registrations of three insurers, on customs data and on a survey of 64 dealers in October and November 2025. We talked to 41 buyers at length. Figures for 2025 include an estimate for December. The margin of error for Austria is about 300 bikes."),
    ("h", "3. Austria"),
    ("h2", "3.1 Size and growth"),
    ("p", "Growth returned in 2025 after a weaker year. In 2024 many dealers still sold down the stock they had ordered during the boom, and prices fell; in 2025 the warehouses were empty and orders normal."),
    ("caption", "Table 1: The Austrian market for e-cargo bikes"),
    ("t", [["Year", "Bikes sold", "Growth", "Average price", "Market value"],
           ["2022", "9,800", "21.0 %", "EUR 4,960", "EUR 48.6 million"],
           ["2023", "11,300", "15.3 %", "EUR 5,070", "EUR 57.3 million"],
           ["2024", "12,400", "9.7 %", "EUR 5,097", "EUR 63.2 million"],
           ["2025", "13,900", "12.1 %", "EUR 5,144", "EUR 71.5 million"]]),
    ("h2", "3.2 Who buys"),
    ("p", "Families with children under seven buy 54 % of all e-cargo bikes in Austria. Couriers and parcel services buy 17 %, tradespeople 13 %, and shops, care services and municipalities the remaining 16 %. Business customers are the faster half: their purchases grew 22 % in 2025, those of families 5 %."),
    ("p", "Four buyers in ten live in Vienna, where residents' parking became dearer in 2024 and where the city has built 1,900 covered parking places for cargo bikes. Graz and Linz follow. In the Alpine west the market is small, because gradients of more than 15 % bring even strong motors to their limits."),
    ("h2", "3.3 How bikes are sold"),
    ("p", "Specialised dealers sell 58 % of all bikes, leasing companies 24 %, the makers themselves 13 %, and large retailers only 5 %. Dealers expect a margin of 32 % on the price without tax. They ask for demonstration bikes on loan, for payment within 60 days, and for somebody who picks up the telephone when a controller fails."),
    ("p", "Leasing is the channel that grew most, by 26 % in 2025. Employees lease a bike through their employer and pay from their gross salary. Leasing companies insist on a service contract and on spare parts within five working days."),
    ("h", "4. Spain and Portugal"),
    ("p", "Spain bought 8,600 e-cargo bikes in 2025, 18.4 % more than in 2024. Portugal bought 2,100, an increase of 16.7 %. Barcelona alone accounts for a third of the Spanish market, because its low-emission zone has closed the centre to older vans."),
    ("caption", "Table 2: The Iberian markets in 2025"),
    ("t", [["Country", "Bikes sold", "Growth", "Average price", "Market value"],
           ["Spain", "8,600", "18.4 %", "EUR 4,310", "EUR 37.1 million"],
           ["Portugal", "2,100", "16.7 %", "EUR 4,050", "EUR 8.5 million"]]),
    ("p", "Demand is commercial: 61 % of bikes in Spain go to couriers, markets and shops. Fewer than one courier bike in ten is electric today, so the potential is large. But couriers calculate sharply. The best-selling bike in Spain, the Mula 2 by Velomula, costs EUR 3,790, and dealers doubt that a bike above EUR 4,500 can be sold in numbers."),
    ("p", "Grants are given by the regions. They are generous on paper, up to EUR 1,500 for a business, but were paid up to fourteen months late in 2024. Dealers who advanced the money to their customers went out of business in Seville and Zaragoza."),
    ("h", "5. Competitors and prices"),
    ("p", "Four makers share most of both markets. In Austria, Lastra of Vienna leads with 31 % of the bikes sold, followed by Kargo & Sohn of Graz with 22 % and Brede of Copenhagen with 14 %. In Spain, Velomula of Valencia leads with 27 %, and Brede holds 12 %."),
    ("caption", "Table 3: The main competitors and what they charge"),
    ("t", [["Maker", "Home", "Share", "Prices", "Known for"],
           ["Lastra", "Vienna", "31 % of Austria", "EUR 4,990 to 6,400", "Dense dealer network"],
           ["Kargo & Sohn", "Graz", "22 % of Austria", "EUR 5,790 to 7,200", "Robust, long waits"],
           ["Brede", "Copenhagen", "14 %, in Spain 12 %", "EUR 5,490 to 6,990", "Design, bikes on loan"],
           ["Velomula", "Valencia", "27 % of Spain", "EUR 3,790 to 4,600", "Low price"]]),
    ("p", "Lastra charges EUR 4,990 for its entry model and up to EUR 6,400 for the long one. It has 74 dealers in Austria, more than anybody else, but no workshop of its own. Kargo & Sohn builds to order and delivers after eleven weeks on average; its customers are loyal and impatient. Brede pays for its dealers' demonstration bikes and gives them a lower margin of 28 % in return."),
    ("p", "Velomula is the price leader. Its bikes use a simple motor in the hub, which suits flat cities and fails on hills. It has announced a stronger model for the autumn of 2026 at about EUR 4,300, which would be the first serious bike in that class."),
    ("h", "6. What customers say"),
    ("p", "We asked 41 buyers what they like and what they would change. They praise how much a bike carries, how quickly children get used to it and how little it costs to run: EUR 310 a year on average, repairs included, against EUR 4,700 for a small car."),
    ("caption", "Table 4: Complaints of 41 buyers in Austria and Spain (several answers possible)"),
    ("t", [["Complaint", "Buyers", "Share"],
           ["Waiting for spare parts", "23", "56 %"],
           ["Range in winter", "18", "44 %"],
           ["Fear of theft, cost of insurance", "15", "37 %"],
           ["Weight when pushing or parking", "13", "32 %"],
           ["Price", "11", "27 %"],
           ["Noise of the motor", "4", "10 %"]]),
    ("p", "Waiting for spare parts is the most frequent complaint: 23 of 41 buyers had waited longer than two weeks for a part, and nine of them longer than six. A courier in Graz lost a contract over a controller that took 38 days to arrive."),
    ("p", "Customers also complain about the range in winter, which falls by a third when it freezes and which most makers do not mention. Buyers do not mind the loss so much as the surprise. Third comes the fear of theft: insurance costs EUR 190 to 340 a year in Vienna, and some insurers refuse bikes without a built-in tracker."),
    ("p", "The price is named by 27 % of buyers, and mostly by those who bought none of the cheaper bikes. Families compare the price with that of a car, couriers compare it with another bike. That explains why a price of EUR 5,400 is accepted in Austria and refused in Spain."),
    ("h", "7. Grants and rules"),
    ("p", "The Austrian federal grant pays EUR 850 to private buyers and EUR 1,200 to businesses. It ends on 31 December 2026, and its renewal is not decided. Four buyers in ten say that they would have bought later or not at all without it."),
    ("p", "A bike with a motor of up to 250 watts needs no licence plate in Austria, Spain or Portugal. Vienna plans to require a lock point for every cargo bike parked on the street from 2027. Barcelona allows cargo bikes of up to 120 centimetres in width on its cycle lanes."),
    ("h", "8. Risks"),
    ("l", ["The federal grant ends in December 2026, and demand falls in the first half of 2027.",
           "Lastra answers a new competitor with lower prices, as it did in 2023, when it cut them by 8 % for six months.",
           "Velomula's stronger model succeeds and pulls prices down in both markets.",
           "The exchange rate of the Norwegian krone moves against exports.",
           "A recall: batteries of two smaller makers were recalled in 2025, and sales of the whole class fell for two months."]),
    ("h", "9. Outlook to 2028"),
    ("p", "We expect 19,000 e-cargo bikes to be sold in Austria in 2028, which corresponds to growth of 11.0 % a year. For Spain we expect 13,600 bikes and for Portugal 3,200. If the Austrian grant is not renewed, the figure for Austria falls to about 17,100."),
    ("caption", "Table 5: Expected sales of e-cargo bikes"),
    ("t", [["Country", "2025", "2026", "2027", "2028"],
           ["Austria", "13,900", "15,800", "16,900", "19,000"],
           ["Spain", "8,600", "10,100", "11,700", "13,600"],
           ["Portugal", "2,100", "2,400", "2,800", "3,200"]]),
    ("h", "10. Recommendation"),
    ("p", "Enter Austria first, in the autumn of 2026, with the Fjord for families and the Kai for businesses. Keep spare parts in Vienna and promise repairs within 48 hours, in writing. Offer leasing from the first day. Do not compete with Lastra on price."),
    ("p", "Prepare Iberia for 2028 with a bike below EUR 4,200. Without such a bike we advise against an entry, however attractive the growth."),
]  # fmt: skip


def make_study(path: Path) -> None:
    from reportlab.lib import colors  # type: ignore[import-untyped]  # ships no types
    from reportlab.lib.pagesizes import A4  # type: ignore[import-untyped]  # ships no types
    from reportlab.lib.styles import ParagraphStyle  # type: ignore[import-untyped]  # ships no types
    from reportlab.platypus import (  # type: ignore[import-untyped]  # ships no types
        KeepTogether,
        PageBreak,
        Paragraph,
        SimpleDocTemplate,
        Spacer,
        Table,
        TableStyle,
    )

    ink, accent = colors.HexColor("#1c2430"), colors.HexColor("#0b6b5d")
    body = ParagraphStyle("body", fontName="Helvetica", fontSize=10.5, leading=15.5, textColor=ink)
    body.spaceAfter = 9
    styles = {
        "title": ParagraphStyle("title", body, fontName="Helvetica-Bold", fontSize=26, leading=32),
        "subtitle": ParagraphStyle("subtitle", body, textColor=accent, spaceAfter=30),
        "h": ParagraphStyle(
            "h", body, fontName="Helvetica-Bold", fontSize=17, leading=22, spaceBefore=16
        ),
        "h2": ParagraphStyle(
            "h2", body, fontName="Helvetica-Bold", fontSize=13, leading=18, spaceBefore=8
        ),
        "caption": ParagraphStyle("caption", body, fontSize=9, textColor=accent, spaceAfter=4),
        "p": body,
    }
    cell = ParagraphStyle("cell", body, fontSize=9.2, leading=12, spaceAfter=0)
    story: list[Any] = []
    caption: Any = None
    for kind, content in STUDY:
        if kind == "h" and content[:2] in {"3.", "4.", "5.", "6.", "7.", "9."}:
            story.append(PageBreak())
        if kind == "caption":
            caption = Paragraph(content, styles["caption"])
        elif kind == "t":
            # One-line cells stay strings, so that a row is one line of the page.
            wide = [
                [text if len(text) < 24 else Paragraph(text, cell) for text in r] for r in content
            ]
            share = {3: [230, 90, 90], 5: [75, 70, 115, 105, 112]}[len(content[0])]
            table = Table(wide, colWidths=share, hAlign="LEFT")
            table.setStyle(
                TableStyle(
                    [
                        ("FONT", (0, 0), (-1, 0), "Helvetica-Bold", 9.2),
                        ("FONT", (0, 1), (-1, -1), "Helvetica", 9.2),
                        ("TEXTCOLOR", (0, 0), (-1, -1), ink),
                        ("LINEBELOW", (0, 0), (-1, 0), 1, accent),
                        ("LINEBELOW", (0, 1), (-1, -1), 0.3, colors.lightgrey),
                        ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ]
                )
            )
            story.append(KeepTogether([caption, table, Spacer(1, 14)]))
        elif kind == "l":
            story.extend(Paragraph(f"• {item}", styles["p"]) for item in content)
        else:
            story.append(Paragraph(content.replace("&", "&amp;"), styles[kind]))

    def running(canvas: Any, document: Any) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.setFillColor(colors.grey)
        canvas.drawString(70, 810, "E-cargo bikes in Austria and Iberia")
        canvas.drawRightString(525, 34, f"Page {document.page}")

    SimpleDocTemplate(
        str(path), pagesize=A4, leftMargin=70, rightMargin=70, topMargin=70, bottomMargin=64,
        title="E-cargo bikes in Austria and Iberia: a market study",
        author="Brunnmayr & Vidal (invented)", invariant=1,
    ).build(story, onFirstPage=running, onLaterPages=running)  # fmt: skip


# --- the interviews

INTERVIEWS = [
    ("Dealer, Vienna, 7 November 2025", [
        "Runs two shops in the seventh and the twentieth district, sold 140 cargo bikes in 2025, most of them Lastra.",
        "“People come in for the bike and come back because of the parts. I waited 41 days for a Lastra display last spring. The customer was a midwife. She was not amused.”",
        "Expects a margin of 32 % and payment within 60 days. Would take on a second brand if demonstration bikes are lent for a season.",
        "On price: “At 5,400 nobody blinks. At 6,500 they go home and measure the garage again.”"]),
    ("Courier company, Graz, 12 November 2025", [
        "Eighteen bikes, eleven of them by Kargo & Sohn. Each runs 60 to 80 kilometres a day.",
        "Lost a contract because a controller took 38 days to arrive. Now keeps two spare bikes, which stand idle most of the year.",
        "“I do not buy a bike, I buy the deliveries. If you promise 48 hours and keep it, I will sign for ten.”",
        "In winter the batteries last until one o'clock. A second battery costs EUR 790, so for eighteen bikes this is real money."]),
    ("Family, Linz, 14 November 2025", [
        "Two children, four and six. Bought a Lastra in 2023 for EUR 5,250, with a grant of EUR 850.",
        "Uses it every day and sold the second car. Complains about the weight: 48 kilograms are too heavy for the ramp to the cellar.",
        "Theft is the great worry. Insurance costs EUR 260 a year, and the insurer asked for a tracker.",
        "“If I had known about the range in winter I would have bought it anyway, but I would have liked to be told.”"]),
    ("City logistics office, Salzburg, 20 November 2025", [
        "Plans a depot for parcel services at the edge of the old town, from which only cargo bikes deliver. Opening: spring of 2027.",
        "Tenders will ask for repairs within two working days and for spare parts kept in Austria.",
        "Sees the hills in the south as the limit: “Anything above 15 per cent and the drivers call us.”"]),
    ("Dealer, Barcelona, 25 November 2025", [
        "Sells 90 cargo bikes a year, two thirds of them to couriers and market traders.",
        "“Above 4,500 euros I can sell you ten bikes a year, and you will not like the discount.”",
        "Was paid a regional grant fourteen months late in 2024 and no longer advances it to customers.",
        "Velomula's hub motors fail on the way up to Gràcia. Waits for the stronger model that was announced for the autumn of 2026."]),
    ("Fleet manager, Lisbon, 27 November 2025", [
        "Eight bikes for a chain of bakeries. Hills and cobblestones break spokes every other week.",
        "Spare parts come from Valencia within three days, which is fine. The price of a strong motor is not.",
        "Would test a Kai for a season if it is leased with service included, for at most EUR 170 a month."]),
]  # fmt: skip


def make_interviews(path: Path) -> None:
    import docx

    document = docx.Document()
    document.core_properties.title = "Interview notes, November 2025"
    document.core_properties.author = "Halden Cycles (invented)"
    document.core_properties.created = document.core_properties.modified = WRITTEN
    document.add_heading("Interview notes, November 2025", 0)
    document.add_paragraph(
        "Jonas Lindqvist and Eline Moe talked to six people in Austria, Spain and Portugal about how "
        "they buy, use and repair cargo bikes. Quotations were read back to those who said them."
    )
    document.add_heading("What we heard more than once", 1)
    for line in (
        "Spare parts take too long: three of six named it without being asked.",
        "The range in winter comes as a surprise; nobody was told when buying.",
        "Austrian customers accept a price of about EUR 5,400, Spanish customers do not.",
        "Fleets want service by contract and are ready to pay for it monthly.",
    ):
        document.add_paragraph(line, style="List Bullet")
    document.add_heading("The conversations", 1)
    for title, lines in INTERVIEWS:
        document.add_heading(title, 2)
        for line in lines:
            document.add_paragraph(line)
    document.add_heading("Overview", 1)
    rows = [
        ("Who", "Bikes", "Main complaint", "Would buy from us"),
        ("Dealer, Vienna", "140 sold a year", "Spare parts", "Yes, with demonstration bikes"),
        ("Courier, Graz", "18", "Spare parts, winter range", "Yes, ten, with 48 hours"),
        ("Family, Linz", "1", "Weight, theft", "Perhaps the Sund"),
        ("City, Salzburg", "Tender in 2027", "Hills", "If parts are kept in Austria"),
        ("Dealer, Barcelona", "90 sold a year", "Price, late grants", "Below EUR 4,500"),
        ("Fleet, Lisbon", "8", "Broken spokes, price", "Leasing at EUR 170 a month"),
    ]
    table = document.add_table(rows=0, cols=4, style="Light Grid Accent 1")
    for row in rows:
        for place, text in zip(table.add_row().cells, row, strict=True):
            place.text = text
    document.save(str(path))
    _steady(path)


# --- the workbook

PLANS: dict[str, dict[str, Any]] = {
    "Austria": {
        "model": "Fjord", "retail": 5_390, "vat": 0.20, "dealer": 0.32, "goods": 2_010,
        "warranty": 95, "freight": 110, "units": (320, 740, 1_150),
        "fixed": (550_000, 600_000, 650_000), "launch": 600_000,
    },
    "Iberia": {
        "model": "Sund", "retail": 4_690, "vat": 0.21, "dealer": 0.30, "goods": 1_820,
        "warranty": 95, "freight": 190, "units": (280, 720, 1_400),
        "fixed": (700_000, 750_000, 800_000), "launch": 900_000,
    },
}  # fmt: skip


def make_workbook(path: Path) -> None:
    import openpyxl
    from openpyxl.styles import Font
    from openpyxl.worksheet.worksheet import Worksheet

    workbook = openpyxl.Workbook()
    workbook.properties.title = "Figures 2026"
    workbook.properties.creator = "Halden Cycles (invented)"
    workbook.properties.created = workbook.properties.modified = WRITTEN

    def sheet(name: str, title: str, header: list[str]) -> Worksheet:
        made: Worksheet = workbook.create_sheet(name)
        made.append([title])
        made["A1"].font = Font(bold=True, size=14)
        made.append([])
        made.append(header)
        for place in made[3]:
            place.font = Font(bold=True)
        made.column_dimensions["A"].width = 38
        return made

    workbook.remove(workbook.worksheets[0])
    results = sheet("Results", "Halden Cycles, results in EUR", ["Line", "2024", "2025", "Change"])
    for line, before, after in (
        ("Revenue from bikes", 17_500_000, 19_300_000),
        ("Revenue from service and accessories", 2_500_000, 3_300_000),
        ("Revenue in all", 20_000_000, 22_600_000),
        ("Gross profit", 6_360_000, 7_571_000),
        ("EBITDA", 1_200_000, 1_900_000),
        ("Bikes delivered", 4_950, 5_480),
    ):
        results.append([line, before, after, after / before - 1])
        for place in results[results.max_row][1:3]:
            place.number_format = "#,##0"
        results.cell(results.max_row, 4).number_format = "0.0%"
    unit = sheet("Unit economics", "One bike, in EUR", ["Line", *PLANS])
    economics = {country: _unit(plan) for country, plan in PLANS.items()}
    for line in economics["Austria"]:
        unit.append([line, *(economics[country][line] for country in PLANS)])
        for place in unit[unit.max_row][1:]:
            place.number_format = "0%" if line in ("VAT rate", "Dealer margin") else "#,##0"
    for country, plan in PLANS.items():
        made = sheet(
            f"Plan {country}", f"Plan for {country}, in EUR", ["Line", "2026", "2027", "2028"]
        )
        units, fixed = plan["units"], plan["fixed"]
        contribution = economics[country]["Contribution per bike"]
        wholesale = economics[country]["Wholesale price"]
        for line, values in (
            (f"Bikes sold ({plan['model']})", list(units)),
            ("Revenue", [count * wholesale for count in units]),
            ("Contribution", [count * contribution for count in units]),
            ("Fixed costs", list(fixed)),
            (
                "Operating result",
                [count * contribution - f for count, f in zip(units, fixed, strict=True)],
            ),
            ("Launch budget, once", [plan["launch"], 0, 0]),
        ):
            made.append([line, *values])
            for place in made[made.max_row][1:]:
                place.number_format = "#,##0"
    notes = sheet("Assumptions", "What the plans rest on", ["Assumption", "Value", "Source"])
    for row in (
        ("Growth of the Austrian market in 2025", 0.121, "Market study, table 1"),
        ("Dealer margin in Austria", 0.32, "Market study, section 3.3"),
        ("Dealer margin in Spain", 0.30, "Dealer in Barcelona"),
        ("Loss of range at minus 10 degrees", 0.30, "Own measurement"),
        ("Share of fleets in bikes sold, 2025", 0.38, "Sales"),
    ):
        notes.append(row)
        notes.cell(notes.max_row, 2).number_format = "0.0%"
    workbook.save(path)
    _steady(path)


def _unit(plan: dict[str, Any]) -> dict[str, float]:
    net = round(plan["retail"] / (1 + plan["vat"]))
    wholesale = round(net * (1 - plan["dealer"]))
    costs = plan["goods"] + plan["warranty"] + plan["freight"]
    return {
        "Retail price with VAT": plan["retail"],
        "VAT rate": plan["vat"],
        "Retail price without VAT": net,
        "Dealer margin": plan["dealer"],
        "Wholesale price": wholesale,
        "Cost of goods": plan["goods"],
        "Warranty": plan["warranty"],
        "Freight": plan["freight"],
        "Contribution per bike": wholesale - costs,
    }


# --- the deck


def make_deck(path: Path) -> None:
    import pptx
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    deck = pptx.Presentation()
    deck.core_properties.title = "Competitors in Austria and Spain"
    deck.core_properties.author = "Halden Cycles (invented)"
    deck.core_properties.created = deck.core_properties.modified = WRITTEN
    first = deck.slides.add_slide(deck.slide_layouts[0])
    first.shapes.title.text = "Competitors in Austria and Spain"
    first.placeholders[1].text = "Sales team, Halden Cycles, January 2026"

    def slide(title: str, lines: list[str], notes: str) -> Any:
        made = deck.slides.add_slide(deck.slide_layouts[1 if lines else 5])
        made.shapes.title.text = title
        for number, line in enumerate(lines):
            frame = made.placeholders[1].text_frame
            paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
            paragraph.text = line
        made.notes_slide.notes_text_frame.text = notes
        return made

    table_slide = slide(
        "Prices at a glance", [],
        "List prices with tax, collected from the makers' own pages on 9 January 2026.",
    )  # fmt: skip
    rows = [
        ("Maker", "Entry model", "Top model", "Delivery", "Warranty"),
        ("Lastra", "EUR 4,990", "EUR 6,400", "3 weeks", "2 years"),
        ("Kargo & Sohn", "EUR 5,790", "EUR 7,200", "11 weeks", "5 years"),
        ("Brede", "EUR 5,490", "EUR 6,990", "2 weeks", "3 years"),
        ("Velomula", "EUR 3,790", "EUR 4,600", "1 week", "2 years"),
        ("Halden Cycles", "EUR 4,690", "EUR 6,190", "4 weeks", "5 years"),
    ]
    shape = table_slide.shapes.add_table(6, 5, Inches(0.5), Inches(1.8), Inches(9), Inches(3.5))
    for down, row in enumerate(rows):
        for across, text in enumerate(row):
            shape.table.cell(down, across).text = text
    chart_slide = slide(
        "Shares of the Austrian market", [], "Source: market study of December 2025, section 5."
    )
    shares = CategoryChartData()  # type: ignore[no-untyped-call]  # has none
    shares.categories = ["Lastra", "Kargo & Sohn", "Brede", "Others"]
    shares.add_series("Share in 2025, per cent", (31, 22, 14, 33))  # type: ignore[no-untyped-call]  # as above
    chart_slide.shapes.add_chart(
        XL_CHART_TYPE.BAR_CLUSTERED, Inches(1), Inches(1.6), Inches(8), Inches(5), shares
    )
    slide("Lastra: everywhere, but no workshop", [
        "74 dealers in Austria, more than any other maker",
        "Entry model at EUR 4,990, the long one at EUR 6,400",
        "Dealers wait up to six weeks for displays and controllers",
        "Cut prices by 8 % for six months when Brede entered in 2023",
    ], "We should not start a price war: Lastra can hold out longer than we can.")  # fmt: skip
    slide("Kargo & Sohn: loved and late", [
        "Bikes for trades from EUR 5,790 to EUR 7,200, built to order",
        "Eleven weeks until delivery on average",
        "Five years of warranty, the same as ours",
        "Fleet customers keep spare bikes because parts are slow",
    ], "Their fleet customers are our best chance: the Kai is EUR 600 cheaper than their usual model.")  # fmt: skip
    slide("Brede: good looks, good manners", [
        "EUR 5,490 to EUR 6,990; pays for dealers' demonstration bikes",
        "Gives dealers 28 % instead of the usual 32 %",
        "14 % of the Austrian and 12 % of the Spanish market",
    ], "The 28 % explain the figure we heard from two dealers in December.")  # fmt: skip
    slide("Velomula: the price to beat in Spain", [
        "27 % of the Spanish market with bikes from EUR 3,790 to EUR 4,600",
        "Hub motor fails on steep hills",
        "Stronger model announced for the autumn of 2026 at about EUR 4,300",
    ], "If the new model is good, our window in Iberia closes before it opens.")  # fmt: skip
    slide("What this means for us", [
        "Sell repairs within 48 hours, not a lower price",
        "Keep spare parts in Vienna from the first day",
        "Offer leasing with service, because fleets grow fastest",
        "Enter Iberia only with a bike below EUR 4,200",
    ], "Decision on 18 March 2026.")  # fmt: skip
    deck.save(str(path))
    _steady(path)


def _steady(path: Path) -> None:
    path.write_bytes(_timeless(path.read_bytes()))


def _timeless(package: bytes) -> bytes:
    """The package without the time of day, so that the same papers are the same bytes."""
    made = BytesIO()
    with ZipFile(BytesIO(package)) as old, ZipFile(made, "w", compresslevel=9) as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename.endswith(".xlsx"):  # the figures behind a chart
                content = _timeless(content)
            elif entry.filename == "docProps/core.xml":
                content = re.sub(rb">\d{4}-\d\d-\d\dT[\d:]+Z<", b">2026-02-09T08:00:00Z<", content)
            info = ZipInfo(entry.filename, (2026, 2, 9, 8, 0, 0))
            info.compress_type = ZIP_DEFLATED
            new.writestr(info, content)
    return made.getvalue()


MADE = {
    "market-study.pdf": make_study,
    "interview-notes.docx": make_interviews,
    "figures-2026.xlsx": make_workbook,
    "competitors.pptx": make_deck,
    "sales-2025.csv": make_csv,
}


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HOME
    for name, make in MADE.items():
        make(folder / name)
        print(f"{name}: {(folder / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
