# SPDX-License-Identifier: Apache-2.0
"""Which words, English and Chinese, name what can be painted: one table for each kind of meaning."""

from __future__ import annotations

from enum import StrEnum

from longtake.engines.classic.scenes.base import Color
from longtake.engines.classic.scenes.light import Light


class Element(StrEnum):
    """Something that can be painted."""

    SKY = "sky"
    CLOUDS = "clouds"
    SUN = "sun"
    MOON = "moon"
    STARS = "stars"
    AURORA = "aurora"
    SPACE = "space"
    SEA = "sea"
    LAKE = "lake"
    MOUNTAINS = "mountains"
    HILLS = "hills"
    FOREST = "forest"
    CITY = "city"
    FIRE = "fire"
    CAMPFIRE = "campfire"
    MIST = "mist"
    RAIN = "rain"
    SNOW = "snow"
    LEAVES = "leaves"
    PETALS = "petals"
    FIREFLIES = "fireflies"
    ABSTRACT = "abstract"


class Tone(StrEnum):
    """A mood that changes light, colour or pace."""

    CALM = "calm"
    WILD = "wild"
    DREAMY = "dreamy"
    GLOOMY = "gloomy"
    WARM = "warm"
    COLD = "cold"
    VIVID = "vivid"
    MONOCHROME = "monochrome"
    NEON = "neon"
    WINTER = "winter"
    AUTUMN = "autumn"
    WINDY = "windy"
    CLEAR = "clear"


ELEMENT_WORDS: tuple[tuple[Element, str], ...] = (
    (Element.SKY, "sky|skies|heaven|air|天空|蓝天|天际|天上|天"),
    (Element.CLOUDS, "cloud|cloudy|overcast|白云|云海|云层|云彩|乌云|云朵|云|阴天"),
    (Element.SUN, "sun|sunshine|sunbeam|太阳|阳光"),
    (Element.MOON, "moon|moonlight|moonlit|full moon|crescent|月亮|月光|明月|圆月|月"),
    (
        Element.STARS,
        "star|starry|starlight|stargazing|milky way|constellation|shooting star|星空|繁星|星星|星光|银河|星",
    ),
    (Element.AURORA, "aurora|aurora borealis|northern light|southern light|polar light|极光|北极光"),
    (
        Element.SPACE,
        (
            "space|outer space|galaxy|galaxies|nebula|nebulae|universe|cosmos|cosmic|planet|starfield|deep space"
            "|宇宙|太空|星云|星系|星河"
        ),
    ),
    (
        Element.SEA,
        (
            "sea|seaside|ocean|wave|beach|coast|coastline|surf|shore|boat|ship|bay|tide|大海|海洋|海面|海浪|海边|海滩|海岸|沙滩"
            "|波浪|浪花|潮|海|浪|船"
        ),
    ),
    (
        Element.LAKE,
        "lake|lakeside|pond|river|water|reflection|fjord|湖面|湖泊|湖水|湖边|湖|河流|河|江面|江|水面|倒影|池塘|水",
    ),
    (
        Element.MOUNTAINS,
        "mountain|peak|ridge|alps|alpine|summit|cliff|landscape|nature|雪山|群山|高山|山脉|山峰|山|风景|自然|峰",
    ),
    (Element.HILLS, "hill|valley|meadow|field|grass|grassland|prairie|countryside|山谷|山丘|丘陵|草原|草地|田野|谷|草"),
    (
        Element.FOREST,
        "forest|tree|wood|woodland|pine|jungle|park|grove|bamboo|森林|树林|竹林|松林|树木|松树|林间|林中|丛林|公园|树|林",
    ),
    (
        Element.CITY,
        (
            "city|cities|skyline|street|building|skyscraper|downtown|town|tower|metropolis|urban|cityscape|traffic"
            "|city light|城市|都市|街道|街头|街|高楼|大厦|摩天楼|城镇|城|霓虹灯|灯火|车流"
        ),
    ),
    (Element.FIRE, "fire|flame|burning|blaze|fireplace|inferno|火焰|烈火|大火|燃烧|炉火|火|焰"),
    (Element.CAMPFIRE, "campfire|camp fire|bonfire|ember|camping|篝火|营火|火堆"),
    (Element.MIST, "mist|misty|fog|foggy|haze|hazy|晨雾|薄雾|浓雾|迷雾|云雾|雾气|雾"),
    (Element.RAIN, "rain|rainy|raining|drizzle|rainfall|raindrop|wet|umbrella|下雨|雨滴|雨水|雨天|细雨|雨"),
    (Element.SNOW, "snow|snowy|snowing|snowfall|snowflake|blizzard|下雪|飘雪|雪花|大雪|雪景|雪地|雪"),
    (Element.LEAVES, "leaf|leaves|falling leaf|falling leaves|foliage|落叶|枫叶|树叶|红叶|叶子|叶"),
    (Element.PETALS, "petal|blossom|cherry blossom|sakura|flower|樱花|花瓣|桃花|花海|花"),
    (Element.FIREFLIES, "firefly|fireflies|glowworm|萤火虫|流萤"),
    (
        Element.ABSTRACT,
        "abstract|pattern|color|colour|silk|liquid|gradient|shape|flow|flowing|fluid|ink|抽象|图案|色彩|颜色|流动|丝绸|水墨|渐变",
    ),
)
"""Separated by bars. Latin words match whole words, plural allowed; others match anywhere, the longest first."""

LIGHT_WORDS: tuple[tuple[Light, str], ...] = (
    (Light.SUNSET, "sunset|golden hour|setting sun|日落|夕阳|晚霞|落日|余晖|火烧云"),
    (Light.DUSK, "dusk|evening|twilight|blue hour|nightfall|黄昏|傍晚|暮色|暮"),
    (
        Light.DAWN,
        "sunrise|dawn|morning|daybreak|first light|rising sun|日出|黎明|清晨|早晨|早上|朝霞|晨曦|拂晓|清早|晨",
    ),
    (Light.NIGHT, "night|midnight|nighttime|at night|dark|夜晚|夜里|夜色|夜景|夜空|深夜|晚上|午夜|夜"),
    (Light.DAY, "day|daylight|daytime|noon|midday|sunny|afternoon|summer|白天|中午|正午|晴天|晴朗|下午|夏日|夏天|晴"),
)

TINT_WORDS: tuple[tuple[Color, str], ...] = (
    ((220, 40, 50), "red|crimson|scarlet|红色|红"),
    ((245, 130, 30), "orange|amber|橙色|橙|橘色"),
    ((245, 190, 50), "gold|golden|yellow|金色|黄色|金|黄"),
    ((50, 180, 90), "green|emerald|绿色|翠绿|绿"),
    ((30, 180, 180), "teal|turquoise|cyan|青色|青"),
    ((50, 110, 235), "blue|azure|蓝色|湛蓝|蓝"),
    ((140, 70, 220), "purple|violet|lavender|紫色|紫"),
    ((240, 110, 170), "pink|rose|magenta|粉色|粉红|粉"),
)

TONE_WORDS: tuple[tuple[Tone, str], ...] = (
    (Tone.CALM, "calm|serene|peaceful|quiet|tranquil|still|gentle|silent|宁静|平静|安静|静谧|寂静|静"),
    (Tone.WILD, "storm|stormy|rough|raging|wild|thunder|thunderstorm|tempest|暴风雨|暴风雪|暴风|风暴|狂风|汹涌|雷"),
    (
        Tone.DREAMY,
        "dream|dreamy|soft|ethereal|magical|magic|fantasy|romantic|mystical|梦幻|梦境|唯美|浪漫|奇幻|梦|柔和",
    ),
    (Tone.GLOOMY, "gloomy|moody|bleak|sombre|somber|dramatic|ominous|eerie|阴沉|忧郁|阴森|压抑|戏剧"),
    (Tone.WARM, "warm|cozy|cosy|温暖|暖"),
    (Tone.COLD, "cold|icy|frozen|ice|freezing|寒冷|冰冷|寒|冰|冷"),
    (Tone.VIVID, "vivid|vibrant|colorful|colourful|bright|鲜艳|明亮|绚丽|五彩"),
    (Tone.MONOCHROME, "black and white|black-and-white|monochrome|noir|黑白|单色"),
    (Tone.NEON, "neon|cyberpunk|霓虹|赛博朋克|赛博"),
    (Tone.WINTER, "winter|wintry|christmas|冬天|冬日|冬季|冬|圣诞"),
    (Tone.AUTUMN, "autumn|autumnal|maple|秋天|秋日|秋季|秋|枫"),
    (Tone.WINDY, "wind|windy|breeze|breezy|微风|大风|风"),
    (Tone.CLEAR, "clear|cloudless|万里无云|无云|晴空|清澈"),
)

DEGREE_WORDS: tuple[tuple[float, str], ...] = (
    (1.7, "heavy|dense|thick|intense|strong|pouring|torrential|many|瓢泼|倾盆|浓浓|暴|大|浓|漫天|纷飞"),
    (0.5, "light|slight|little|faint|few|thin|淡淡|轻轻|小|轻|薄|微|淡|细"),
)
"""How much of the weather that is named next."""

NEGATIONS = "no|without|not|never|没有|不要|不是|无|没|别"

FILLER = (
    "a|an|the|of|over|at|in|on|with|and|or|to|from|by|for|into|onto|across|through|above|below|under|behind|between|near"
    "|beside|around|along|up|down|out|off|is|are|it|its|as|this|that|there|some|very|so|while|during|where|which|then"
    "|video|clip|shot|scene|view|footage|film|movie|cinematic|picture|beautiful|stunning|gorgeous|amazing|epic|lovely"
    "|white|black|realistic|detailed|high|quality|hd|4k|8k|1080p|720p|slowly|slow|softly|gently|falling|fall|falls|drifting|drift"
    "|rolling|rising|glowing|glow|shining|shimmering|distant|far|away|wide|big|large|small|deep|full|empty|lit|light"
    "|lights|background|foreground|horizon|time|please|make|show|me|create|generate|floating|moving|flying|crackling"
    "|的|了|在|和|与|着|一|个|片|座|上|下|里|中|有|是|地|得|从|到|向|被|把|这|那|很|美丽|视频|画面|镜头|场景|飘落|飘|落"
    "|升起|远处|远方|外|窗外|旁|边|前|后|之|间|并|照|照耀|照亮|闪烁|闪耀|缓缓|慢慢|轻轻|洒|空|面|处|时|分|起|来|去|过"
    "|白|黑|天气|正|正在|正在下|下着|满|满天|一片|条|只有|灯光|灯|光|亮|色|飞舞|飞|舞|飞扬|穿过|倒映|映|映照"
)
"""Words that name nothing to paint, and need no word of regret."""
