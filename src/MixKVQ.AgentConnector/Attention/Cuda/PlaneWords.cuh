// The words of a packed matrix's planes as the lanes of a warp read them for matrix units: a word's four bytes are a quad's four lines, its fields elements.
//
// Lane = 4 g + c. In step k, lane (g, c) reads quads 8 k + c and 8 k + 4 + c of a plane, of each the words that hold elements W g ... (W words of the low plane a lane).
// Field f of word i, for which slot s = words * f + i stands, holds element W g + i + f M / 4.
#pragma once
#include "PackedMatrix.cuh"

#define STEP_LINES 32
#define STEP_QUADS 8

// Words FirstWord ... of a lane's W.
template <class Shape, int FirstWord, int Words>
struct PlaneWords
{
    static constexpr int laneWords = (Shape::lineLength + 31) / 32;
    static constexpr int planeWords = Shape::lineLength / 4;
    static constexpr int bitWords = Shape::lineLength / 8;
    static constexpr int slots = Words * 4;
    static constexpr int steps = (Shape::lineCount + STEP_LINES - 1) / STEP_LINES;
    static constexpr bool isContiguous = Shape::lineLength % 32 == 0 && laneWords % Words == 0 && Words != 3;
    static constexpr bool isComplete = !Shape::hasFull && Shape::lineCount % STEP_LINES == 0;

    // A step's words: of quads 8 k + c and 8 k + 4 + c.
    typedef u32 Step[2][Words];

    // The element of slot s in lane (g, c), or one beyond the line.
    DEVICE int element(int slot, int g)
    {
        int word = FirstWord + slot % Words;
        int inPlane = laneWords * g + word;
        return word < laneWords && inPlane < planeWords ? inPlane + slot / Words * planeWords : Shape::lineLength;
    }

    DEVICE bool isUpper(int slot) { return slot / Words >= 2; }

    // The lane's quad of step 0 of a plane.
    DEVICE const u8* laneQuad(const u8* plane, int quadBytes, int lane) { return plane + lane % 4 * quadBytes; }

    DEVICE bool exists(int step, int half, int quads, int lane) { return step * STEP_QUADS + half * 4 + lane % 4 < quads; }

    // A step's words of the low plane.
    DEVICE void loadLow(Step& words, const u8* low, int step, int quads, int lane)
    {
        for (int half = 0; half < 2; half++)
        {
            loadWords<!isComplete>(words[half], low + (step * STEP_QUADS + half * 4) * Shape::lowBytes, isComplete || exists(step, half, quads, lane), lane / 4, 0);
        }
    }

    // A step's words of a plane of one bit a code, as they lie.
    DEVICE void loadBits(Step& words, const u8* plane, int step, int quads, int lane)
    {
        for (int half = 0; half < 2; half++)
        {
            const u8* quad = plane + (step * STEP_QUADS + half * 4) * Shape::bitBytes;
            bool exist = exists(step, half, quads, lane);
            if constexpr (isContiguous)
            {
                loadContiguous<true>(words[half], quad + (laneWords * (lane / 4 % 4) + FirstWord) * 4, exist);
            }
            else
            {
                for (int i = 0; i < Words; i++)
                {
                    int word = laneWords * (lane / 4) + FirstWord + i;
                    words[half][i] = exist && FirstWord + i < laneWords && word < planeWords ? readWord(quad + word % bitWords * 4) : 0;
                }
            }
        }
    }

    // Bits shifted so that bit 2 f of each byte is element W g + i + f M / 4: element e is bit e / (M / 8) of word e % (M / 8).
    DEVICE u32 aligned(u32 bits, int i, int lane)
    {
        return bits >> (isContiguous ? lane / 16 : laneWords * (lane / 4) + FirstWord + i >= bitWords ? 1 : 0);
    }

    // Two bits a code: even fields in one word, odd ones, moved to even places, in the other.
    DEVICE void split(Step& even, Step& odd, const Step& low)
    {
        for (int i = 0; i < 2 * Words; i++)
        {
            even[i / Words][i % Words] = low[i / Words][i % Words];
            odd[i / Words][i % Words] = low[i / Words][i % Words] >> 2;
        }
    }

    // Bit 2 joins the low ones. Bits 3 and 7 are left undefined.
    DEVICE void mergeThird(Step& even, Step& odd, const Step& low, const Step& bits, int lane)
    {
        for (int i = 0; i < 2 * Words; i++)
        {
            u32 word = low[i / Words][i % Words], bit = aligned(bits[i / Words][i % Words], i % Words, lane);
            even[i / Words][i % Words] = selectBits(0x33333333, word, bit << 2);
            odd[i / Words][i % Words] = selectBits(0x33333333, word >> 2, bit);
        }
    }

    // Bit 3 joins them.
    DEVICE void mergeFourth(Step& even, Step& odd, const Step& bits, int lane)
    {
        for (int i = 0; i < 2 * Words; i++)
        {
            u32 bit = aligned(bits[i / Words][i % Words], i % Words, lane);
            u32& first = even[i / Words][i % Words];
            u32& second = odd[i / Words][i % Words];
            first = selectBits(0x77777777, first, bit << 3);
            second = selectBits(0x77777777, second, bit << 1);
        }
    }

    // A step's words of the plane of bits 4 to 7: even fields in one word, odd ones in the other.
    DEVICE void loadHigh(Step& even, Step& odd, const u8* high, int step, int quads, int lane)
    {
        for (int half = 0; half < 2; half++)
        {
            const u8* quad = high + (step * STEP_QUADS + half * 4) * Shape::highBytes;
            loadWords<true>(even[half], quad, exists(step, half, quads, lane), lane / 4, 0);
            loadWords<true>(odd[half], quad, exists(step, half, quads, lane), lane / 4, planeWords);
        }
    }

private:
    // Words of a quad, from one on; 0 where they do not exist, if they may not.
    template <bool mayLack>
    DEVICE void loadWords(u32 (&words)[Words], const u8* quad, bool exist, int g, int first)
    {
        const u8* at = quad + (first + laneWords * g + FirstWord) * 4;
        if constexpr (isContiguous)
        {
            loadContiguous<mayLack>(words, at, exist);
        }
        else
        {
            for (int i = 0; i < Words; i++)
            {
                words[i] = exist && FirstWord + i < laneWords && laneWords * g + FirstWord + i < planeWords ? readWord(at + 4 * i) : 0;
            }
        }
    }

    template <bool mayLack>
    DEVICE void loadContiguous(u32 (&words)[Words], const u8* at, bool exist)
    {
        if (mayLack)
        {
            for (int i = 0; i < Words; i++)
            {
                words[i] = 0;
            }
        }

        if (mayLack && !exist)
        {
            return;
        }

        if constexpr (Words == 4)
        {
            uint4 four = readVector(at);
            words[0] = four.x;
            words[1] = four.y;
            words[2] = four.z;
            words[3] = four.w;
        }
        else if constexpr (Words == 2)
        {
            uint2 two = readPair(at);
            words[0] = two.x;
            words[1] = two.y;
        }
        else
        {
            words[0] = readWord(at);
        }
    }
};
