"""A guess at a text's language, by the little words that hold it together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

UNDETERMINED: Final = "und"

_READ = 20_000  # code points from the start; more changes no guess
_FEWEST = 2  # stop words; fewer than this is chance
_SHARE = 0.08  # of all words: running text has 0.3 and more, lists of names almost none
_LEAD = 1.2  # how far the best must be ahead of the next, or the guess is a coin's

STOP_WORDS: Final[Mapping[str, frozenset[str]]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": """a about above after again all also am an and any are as at be because been before
            being below between both but by can cannot could did do does doing down during each
            few for from further had has have having he her here hers herself him himself his how
            i if in into is it its itself just me more most my myself no nor not of off on once
            only or other our ours ourselves out over own same shall she should so some such than
            that the their theirs them themselves then there these they this those through to too
            under until up upon very was we were what when where which while who whom why will
            with would you your yours yourself yourselves""",
        "de": """aber alle allem allen aller alles als also am an ander andere anderem anderen
            anderer anderes auch auf aus bei bin bis bist da damit dann das dass daß dazu dein
            deine dem den denn der des dessen deren die dies diese diesem diesen dieser dieses
            doch dort du durch ein eine einem einen einer eines einige er es etwas euch euer für
            gegen hab habe haben hat hatte hatten hier hin hinter ich ihm ihn ihnen ihr ihre ihrem
            ihren ihrer im in indem ins ist jede jedem jeden jeder jedes jene jener jetzt kann
            kein keine keinem keinen keiner können könnte man manche mein meine mich mir mit muss
            nach nicht nichts noch nun nur ob oder ohne sehr sein seine seinem seinen seiner seit
            selbst sich sie sind so solche soll sollte sondern sonst über um und uns unser unsere
            unter viel vom von vor war waren warum was weil welche welchem welchen welcher welches
            wenn wer werde werden wie wieder will wir wird wirst wo wollen wurde wurden würde
            während zu zum zur zwar zwischen""",
        "fr": """à afin ai ainsi alors après as au aucun aucune aujourd'hui auquel aussi autre
            autres aux avaient avait avant avec avez avoir avons c ce ceci cela celle celles celui
            ces cet cette ceux chaque chez comme comment d dans de depuis des donc dont du elle
            elles en encore entre es est et étaient était étant été être eu eux fait font furent
            fut il ils j je jusque l la laquelle le lequel les lesquels leur leurs lors lorsque lui
            m ma mais me même mes moi moins mon n ne ni nos notre nous on ont ou où par parce
            pas pendant peu peut plus plusieurs pour pourquoi qu quand que quel quelle quelles
            quels qui quoi s sa sans se selon sera seront ses si soit son sont sous sur t ta te
            tes toi ton tous tout toute toutes très tu un une vers vos votre vous y""",
        "es": """a al algo algunas algunos ante antes aquel aquella aquellos así aún aunque cada
            casi como con contra cual cuál cuales cuando cuándo cuanto cuánto de del desde donde
            dónde dos durante e el él ella ellas ellos en entre era eran eres es esa esas ese eso
            esos esta está estaba estado están estas este esto estos fue fueron ha había habían
            han has hasta hay la las le les lo los más me mi mientras mis mucho muchos muy nada ni
            no nos nosotros nuestra nuestro nuestros o os otra otras otro otros para pero poco por
            porque pues que qué quien quién quienes se sea según ser si sí sido sin sobre sois
            somos son soy su sus también tanto te tenía tiene tienen todo todos tras tu tú tus un
            una unas uno unos usted y ya yo""",
        "ru": """а без более бы был была были было быть в вам вас ведь весь во вот все всего всех
            вы где да даже для до его ее её если есть еще ещё же за здесь и из или им их к как
            какая какой когда который которая которое которые кто ли либо между меня мне много
            может можно мой мы на над надо наш не него нее ней нет ни них но ну о об однако он она
            они оно от очень по под после при про раз с сам себя со так также такой там тем то
            того тоже той только том тот ты у уже хотя чего чем что чтобы чья эта эти это этого
            этом этот я""",
    }.items()
}

LANGUAGES: Final = tuple(STOP_WORDS)

_WORD = re.compile(r"[^\W\d_]+")
_OWNERS: Final[Mapping[str, tuple[str, ...]]] = {
    word: tuple(language for language in LANGUAGES if word in STOP_WORDS[language])
    for word in sorted(frozenset[str]().union(*STOP_WORDS.values()))
}


def guess(text: str) -> str:
    """en, de, fr, es or ru; "und" where the text is too short, another language, or no prose.

    Reads the first 20,000 code points. A word that two languages share counts half for each.
    """
    words = _WORD.findall(text[:_READ].casefold())
    counts = dict.fromkeys(LANGUAGES, 0.0)
    seen = 0
    for word in words:
        owners = _OWNERS.get(word, ())
        seen += bool(owners)
        for language in owners:
            counts[language] += 1 / len(owners)
    (best, most), (_, next_most) = sorted(counts.items(), key=lambda pair: -pair[1])[:2]
    if seen < _FEWEST or most < _SHARE * len(words) or most < _LEAD * next_most:
        return UNDETERMINED
    return best


def spoken(question: str) -> str:
    """The language of a question; English where it is too short to tell.

    Only its stop words depend on it: unlike a passage, a question is looked up in every language.
    """
    found = guess(question)
    return "en" if found == UNDETERMINED else found
